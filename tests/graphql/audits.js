// Every audit of GraphQL over HTTP that graphql-http has, against the server of TANDEM_URL. Prints what failed.

import { serverAudits } from "graphql-http";

const { TANDEM_URL, TANDEM_TOKEN } = process.env;

const fetchFn = (url, init = {}) =>
  fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${TANDEM_TOKEN}` } });

const audits = serverAudits({ url: `${TANDEM_URL}/graphql`, fetchFn });
let passed = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === "ok") passed += 1;
  else console.log(`${result.status} ${audit.id} ${audit.name}: ${result.reason}`);
}
console.log(`${passed} of ${audits.length} audits passed`);
process.exitCode = passed === audits.length && audits.length >= 60 ? 0 : 1;
