// Answers requests to some hosts with 204: --set blocked_hosts=ads.example,tracker.example
export function load(loader) {
	loader.add_option("blocked_hosts", "string", "", "Hosts whose requests are answered with 204, separated by commas.");
}

let blocked = new Set();

export function configure(ctx) {
	blocked = new Set(ctx.options.blocked_hosts.split(",").map((host) => host.trim().toLowerCase()));
}

export function request(flow) {
	if (blocked.has(flow.request.pretty_host.toLowerCase())) flow.response = { status_code: 204 };
}
