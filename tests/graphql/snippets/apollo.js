import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const sha256 = async (text) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

export const makeClient = (url, token) =>
  new ApolloClient({
    // Sends the hash of a document first, and the document only when the server doesn't know it yet.
    link: new PersistedQueryLink({ sha256 }).concat(
      new HttpLink({ uri: `${url}/graphql`, headers: { authorization: `Bearer ${token}` } }),
    ),
    cache: new InMemoryCache(),
  });

export const TASKS = gql`
  query Tasks {
    tasks {
      id
      title
      completed
    }
  }
`;

// The answer has the task's id, so the cache knows which task has changed.
export const TOGGLE = gql`
  mutation Toggle($id: ID!) {
    toggleTask(id: $id) {
      id
      completed
    }
  }
`;
