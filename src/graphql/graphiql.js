const settings = JSON.parse(document.getElementById("settings").textContent);
const props = {
  fetcher: GraphiQL.createFetcher({ url: settings.endpoint }),
  defaultEditorToolsVisibility: "headers",
  defaultHeaders: JSON.stringify(settings.headers, null, 2),
  defaultQuery: settings.query,
};
ReactDOM.createRoot(document.getElementById("graphiql")).render(React.createElement(GraphiQL, props));
