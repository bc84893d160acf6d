// Replaces credentials and cookies by placeholders before a tape is given to others. Equal values get equal placeholders.
const known = new Map();

function placeholder(value) {
	if (!known.has(value)) known.set(value, `hidden-${known.size + 1}`);
	return known.get(value);
}

export function request(flow) {
	const { headers } = flow.request;
	for (const name of ["authorization", "cookie", "x-api-key"]) {
		const value = headers.get(name);
		if (value !== null && value !== undefined) headers.set(name, placeholder(value));
	}
}

export function response(flow) {
	const { headers } = flow.response;
	const cookies = headers.get_all("set-cookie");
	if (cookies.length > 0)
		headers.set_all(
			"set-cookie",
			cookies.map((cookie) => cookie.replace(/=[^;]*/, (value) => `=${placeholder(value)}`)),
		);
}
