// lib/api.ts of a Next.js frontend as it was written for a FastAPI backend. Only this URL is new.
const API_URL = process.env.NEXT_PUBLIC_API_URL ?? "http://localhost:8000";

const call = async (token, method, path, body) => {
  const response = await fetch(`${API_URL}${path}`, {
    method,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error((await response.json()).detail);
  return response.status === 204 ? undefined : response.json();
};

export const api = (userId, token) => ({
  getTasks: (status = "all") => call(token, "GET", `/api/${userId}/tasks?status=${status}`),
  createTask: (task) => call(token, "POST", `/api/${userId}/tasks`, task),
  updateTask: (id, task) => call(token, "PUT", `/api/${userId}/tasks/${id}`, task),
  toggleComplete: (id, completed) => call(token, "PATCH", `/api/${userId}/tasks/${id}/complete`, { completed }),
  deleteTask: (id) => call(token, "DELETE", `/api/${userId}/tasks/${id}`),
});
