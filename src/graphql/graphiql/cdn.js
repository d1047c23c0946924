const settings = JSON.parse(document.getElementById("settings").textContent);
const headers = JSON.stringify(settings.headers, null, 2);
const props = {
  fetcher: GraphiQL.createFetcher({ url: settings.endpoint, headers: settings.headers }),
  defaultEditorToolsVisibility: "headers",
  defaultHeaders: headers,
  defaultTabs: settings.examples.map((query) => ({ query, headers })),
};
ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
