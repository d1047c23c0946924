import { createClient } from "graphql-ws";
import RelayRuntime from "relay-runtime";
import { resuming } from "./resuming.js";

const { Environment, Network, Observable, RecordSource, Store, requestSubscription } = RelayRuntime;

export const makeEnvironment = (url, token, options) => {
  const socket = createClient({
    url: `${url.replace(/^http/, "ws")}/graphql`,
    connectionParams: async () => ({ Authorization: `Bearer ${await token()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    ...options,
  });
  const post = async ({ text }, variables, isRefused) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${await token(isRefused)}` };
    const response = await fetch(`${url}/graphql`, { method: "POST", headers, body: JSON.stringify({ query: text, variables }) });
    return response.status === 401 && !isRefused ? post({ text }, variables, true) : response.json();
  };
  const subscribe = ({ text }, variables) =>
    Observable.create((sink) => resuming(socket).subscribe({ query: text, variables }, sink));
  const network = Network.create((request, variables) => post(request, variables, false), subscribe);
  return { environment: new Environment({ network, store: new Store(new RecordSource()) }), socket };
};

// Relay stores changed tasks by itself; deleted ones go, and for a new one its list is read again. So it is with the first event,
// which says from when on nothing is missed.
export const follow = (environment, subscription, isListed, refetch) => {
  let isFirst = true;
  return requestSubscription(environment, {
    subscription,
    variables: { after: "latest" },
    updater: (store, { changes }) => {
      for (const { __typename, id } of changes.items) if (__typename === "DeletedTask") store.delete(id);
    },
    onNext: ({ changes }) => {
      // What was deleted is null here.
      const isNew = changes.items.some((item) => item?.__typename === "Task" && !isListed(item.id));
      if (changes.reset || isNew || isFirst) refetch();
      isFirst = false;
    },
  });
};
