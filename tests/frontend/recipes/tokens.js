// Tokens of the browser's session at a Better Auth server: kept until half a minute before their end, or until one is
// refused, and asked for once however many need one.
export const tokens = (authUrl, fetchImpl = fetch) => {
  let held, asked;
  const end = (token) => JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp * 1000;
  const ask = async () => {
    const response = await fetchImpl(`${authUrl}/token`, { credentials: "include" });
    if (!response.ok) throw new Error("signed out");
    return (await response.json()).token;
  };
  return async (isRefused = false) => {
    if (held && !isRefused && end(held) - 30_000 > Date.now()) return held;
    asked ??= ask().finally(() => (asked = undefined));
    return (held = await asked);
  };
};
