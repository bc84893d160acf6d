// A script for suite.mjs: requests whose client is to give up waiting get no answer, so that none is recorded and none is missed.
export async function request(flow) {
	if (flow.request.path !== "/delay/10") return;
	await new Promise((resolve) => setTimeout(resolve, 5000));
	if (flow.killable) flow.kill();
}
