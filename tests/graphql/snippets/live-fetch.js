// Follows a user's changes through REST, from a cursor or from the beginning, until `signal` is aborted.
export const follow = async (url, token, cursor, apply, signal) => {
  let pause = 1000;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream", authorization: `Bearer ${await token()}` };
      if (cursor) headers["last-event-id"] = cursor;
      const response = await fetch(`${url}/api/tasks/changes`, { headers, signal });
      if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      const text = response.body.pipeThrough(new TextDecoderStream());
      let unread = "";
      for await (const chunk of text) {
        const blocks = (unread + chunk).split("\n\n");
        unread = blocks.pop();
        for (const block of blocks) {
          const lines = block.split("\n").filter((line) => line && !line.startsWith(":"));
          const event = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s, 2)));
          if (event.retry) pause = Number(event.retry);
          if (event.event === "changes") {
            apply(JSON.parse(event.data));
            cursor = event.id;
          }
        }
      }
    } catch (error) {
      if (!signal.aborted) console.error(error.message);
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pause));
  }
};
