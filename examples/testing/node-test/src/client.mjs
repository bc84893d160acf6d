// The code under test: a client of the API.
const api = process.env.API_URL ?? "http://127.0.0.1:4567";

export async function createUser(id, name) {
	const response = await fetch(`${api}/users`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ id, name, requestedAt: Date.now() }),
	});
	if (!response.ok) throw new Error(`creating a user failed: ${response.status}`);
	return response.json();
}

export async function nextOrder() {
	return (await (await fetch(`${api}/orders`)).json()).number;
}
