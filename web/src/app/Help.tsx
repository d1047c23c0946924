import { type RefObject, useId, useState } from "react";
import { SHORTCUTS, areKeysOff, turnKeysOff } from "./keys.ts";

/** The list of shortcuts. */
export const Help = ({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) => {
  const id = useId();
  const [isOff, setOff] = useState(areKeysOff);
  return (
    <dialog ref={dialog} className="help" aria-labelledby={`${id}title`} onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}>
      <div className="sheet">
        <h2 id={`${id}title`}>Keyboard shortcuts</h2>
        <dl>
          {SHORTCUTS.map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <label className="keys-on">
          <input
            type="checkbox"
            checked={!isOff}
            onChange={({ target }) => {
              turnKeysOff(!target.checked);
              setOff(!target.checked);
            }}
          />
          Single keys are shortcuts
        </label>
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
};
