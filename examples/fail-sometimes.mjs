// Answers every nth request with 503, to see how a client takes it: --set fail_every=3
export function load(loader) {
	loader.add_option("fail_every", "integer", 3, "Answer each nth request with 503.");
}

let count = 0;

export function request(flow, ctx) {
	if (++count % ctx.options.fail_every === 0)
		flow.response = { status_code: 503, headers: { "retry-after": "1" }, content: "busy\n" };
}
