import RelayRuntime from "relay-runtime";
import subscription from "./relay/generated/appChangesSubscription.graphql.js";
import query from "./relay/generated/appTasksQuery.graphql.js";
import { follow, makeEnvironment } from "./recipes/relay.js";
import { options, play, token, url } from "./support.js";

const { createOperationDescriptor, fetchQuery } = RelayRuntime;
const { environment, socket } = makeEnvironment(url, async () => token, options);
const operation = createOperationDescriptor(query, {});
environment.retain(operation);
const refetch = () => fetchQuery(environment, query, {}, { fetchPolicy: "network-only" }).toPromise();
await refetch();
// A deleted task stands as null in lists that had it.
const read = () => environment.lookup(operation.fragment).data?.tasks?.filter(Boolean);
const isListed = (id) => read().some((task) => task.id === id);
const following = follow(environment, subscription, isListed, refetch);
await play(read);
following.dispose();
await socket.dispose();
