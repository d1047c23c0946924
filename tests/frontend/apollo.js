import { TASKS, follow, makeClient } from "./recipes/apollo.js";
import { options, play, token, url } from "./support.js";

const { client, socket } = makeClient(url, async () => token, options);
let shown;
client.watchQuery({ query: TASKS }).subscribe(({ data }) => (shown = data?.tasks));
const following = follow(client);
await play(() => shown);
following.unsubscribe();
client.stop();
await socket.dispose();
