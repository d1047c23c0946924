// A graphql-ws client whose subscriptions to `changes` resume after a reconnect. Apollo and urql copy the request they are
// given, so the cursor has to go into the copy that graphql-ws sends.
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
