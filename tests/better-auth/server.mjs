// A real Better Auth server for the tests: in memory, on this machine only. Its first line says where it is.
//
// ALGORITHM   what the jwt plugin signs with
// OPTIONS     guide for those that docs/AUTH.md recommends
// PORT        0 takes a free one
// SECRET      Better Auth's own, which also signs its e-mail verification tokens
//
// POST /test/rotate adds a key, as a rotation does: the newest one signs from then on.
// POST /test/withdraw removes all keys but the newest one.
// POST /test/last-email answers with the token of the last e-mail.
// POST /test/tandem says where the users' tasks are, in the header Tandem: they are deleted with their users.

import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { APIError } from "better-auth/api";
import { memoryAdapter } from "better-auth/adapters/memory";
import { toNodeHandler } from "better-auth/node";
import { bearer, createJwk, jwt } from "better-auth/plugins";

const db = { user: [], session: [], account: [], verification: [], jwks: [] };
const jwtOptions = {
  jwks: { keyPairConfig: { alg: process.env.ALGORITHM ?? "EdDSA" } },
  sessionCookieCache: true,
};
if (process.env.OPTIONS === "guide") {
  Object.assign(jwtOptions.jwks, { rotationInterval: 60 * 60 * 24 * 30, gracePeriod: 60 * 60 * 24 });
  jwtOptions.jwt = { expirationTime: "15m", definePayload: () => ({}) };
}
let auth, handler, lastEmail, tandem;

const makeAuth = (origin) =>
  betterAuth({
    baseURL: origin,
    secret: process.env.SECRET,
    database: memoryAdapter(db),
    emailAndPassword: { enabled: true },
    emailVerification: {
      sendOnSignUp: true,
      sendVerificationEmail: async ({ token }) => {
        lastEmail = token;
      },
    },
    user: {
      deleteUser: {
        enabled: true,
        beforeDelete: async (user) => {
          const { token } = await auth.api.signJWT({ body: { payload: { sub: user.id } } });
          const headers = { Authorization: `Bearer ${token}` };
          const erased = await fetch(`${tandem}/api/me`, { method: "DELETE", headers }).catch(() => undefined);
          if (!erased?.ok) throw new APIError("SERVICE_UNAVAILABLE", { message: "Your tasks can't be deleted now" });
        },
      },
    },
    session: { cookieCache: { enabled: true, strategy: "jwt" } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    plugins: [jwt(jwtOptions), bearer()],
  });

const routes = {
  "/test/rotate": async () => createJwk({ context: await auth.$context }, jwtOptions).then((key) => key.id),
  "/test/withdraw": async () => db.jwks.splice(0, db.jwks.length - 1).map((key) => key.id),
  "/test/last-email": async () => lastEmail,
  "/test/tandem": async (request) => (tandem = request.headers.tandem),
};

const server = createServer(async (request, response) => {
  const route = request.method === "POST" && routes[request.url];
  if (!route) return handler(request, response);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(await route(request)));
});

server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  const origin = `http://127.0.0.1:${server.address().port}`;
  auth = makeAuth(origin);
  handler = toNodeHandler(auth);
  console.log(origin);
});
// Ends with the tests, however they end.
process.stdin
  .resume()
  .on("end", () => process.exit())
  .on("error", () => process.exit());
