import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/style.css";
import "./main.css";

const { endpoint, headers, examples } = JSON.parse(document.getElementById("settings").textContent);
const shown = JSON.stringify(headers, null, 2);

// Absolute, and ws: or wss: like the page.
const socket = new URL(endpoint, location.href);
socket.protocol = socket.protocol.replace("http", "ws");

// The headers stand in the editor of each tab; tabs of an earlier visit come back without theirs.
const fetcher = createGraphiQLFetcher({
  url: endpoint,
  subscriptionUrl: socket.href,
  headers,
  wsConnectionParams: headers,
});

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={fetcher}
    defaultEditorToolsVisibility="headers"
    defaultHeaders={shown}
    defaultTabs={examples.map((query) => ({ query, headers: shown }))}
  />,
);
