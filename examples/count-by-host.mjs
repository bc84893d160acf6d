// Prints how many requests each host got, the most first.
const counts = new Map();

export function request(flow) {
	const host = flow.request.pretty_host;
	counts.set(host, (counts.get(host) ?? 0) + 1);
}

export function done(ctx) {
	for (const [host, count] of [...counts].sort(([, a], [, b]) => b - a)) ctx.log.info(`${count} ${host}`);
}
