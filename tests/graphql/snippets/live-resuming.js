// A client of graphql-ws whose subscriptions to changes go on where they were. Apollo and urql make a request of their own
// of what they are given, so the cursor has to be put into that one.
export const resuming = (client) => ({
  ...client,
  subscribe: (request, sink) => {
    const resumable = { ...request, variables: { ...request.variables } };
    const next = (result) => {
      resumable.variables.after = result.data?.changes?.cursor ?? resumable.variables.after;
      sink.next(result);
    };
    return client.subscribe(resumable, { ...sink, next });
  },
});
