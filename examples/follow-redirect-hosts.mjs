// Leads redirects to a staging host, so that a client does not leave it: --set staging=staging.example
export function load(loader) {
	loader.add_option("staging", "string", "staging.example", "The host that redirects lead to.");
}

export function response(flow, ctx) {
	const location = flow.response.headers.get("location");
	if (location === null || !URL.canParse(location, flow.request.url)) return;
	const target = new URL(location, flow.request.url);
	target.host = ctx.options.staging;
	flow.response.headers.set("location", target.href);
}
