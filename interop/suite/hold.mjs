// A script for suite.mjs: holds requests whose client gives up after a timeout, and never answers them. They are
// neither recorded nor missed.
export async function request(flow) {
	if (flow.request.path !== "/delay/10") return;
	await new Promise((resolve) => setTimeout(resolve, 5000));
	if (flow.killable) flow.kill();
}
