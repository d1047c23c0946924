import { Client, cacheExchange, fetchExchange, gql } from "@urql/core";

export const makeClient = (url, token) =>
  new Client({
    url: `${url}/graphql`,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: `Bearer ${token}` } },
    exchanges: [cacheExchange, fetchExchange],
  });

export const PAGE = gql`
  query Page($after: String) {
    tasksConnection(first: 20, after: $after) {
      nodes {
        id
        title
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;
