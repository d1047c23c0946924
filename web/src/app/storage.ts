// What the browser keeps between visits, or for a tab. Where that is blocked or full, each visit is the first.

type Area = "localStorage" | "sessionStorage";

export const recall = (key: string, area: Area = "localStorage"): string => {
  try {
    return globalThis[area].getItem(key) ?? "";
  } catch {
    return "";
  }
};

export const remember = (key: string, value: string, area: Area = "localStorage"): void => {
  try {
    globalThis[area].setItem(key, value);
  } catch {
    // It is asked again at the next visit.
  }
};
