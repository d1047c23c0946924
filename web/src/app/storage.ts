// What the browser keeps between visits. Where that is blocked or full, each visit is the first.

export const recall = (key: string): string => {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
};

export const remember = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // It is asked again at the next visit.
  }
};
