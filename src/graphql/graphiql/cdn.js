const settings = JSON.parse(document.getElementById("settings").textContent);
const headers = JSON.stringify(settings.headers, null, 2);
const socket = new URL(settings.endpoint, location.href);
socket.protocol = socket.protocol.replace("http", "ws");
const props = {
  fetcher: GraphiQL.createFetcher({
    url: settings.endpoint,
    subscriptionUrl: socket.href,
    headers: settings.headers,
    wsConnectionParams: settings.headers,
  }),
  defaultEditorToolsVisibility: "headers",
  defaultHeaders: headers,
  defaultTabs: settings.examples.map((query) => ({ query, headers })),
};
ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
