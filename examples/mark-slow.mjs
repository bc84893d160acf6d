// Marks the flows whose response took longer than a second, so that `flowtape filter '~marked'` finds them.
const SECONDS = 1;

export function response(flow) {
	const { request, response } = flow;
	if (response.timestamp_end - request.timestamp_start > SECONDS) {
		flow.marked = ":turtle:";
		flow.comment = `${(response.timestamp_end - request.timestamp_start).toFixed(2)} s`;
	}
}
