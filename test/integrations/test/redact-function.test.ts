// The function of the option `redact`: it changes data with objects of the platform.
import t from "tap";
import { redactBy } from "../../../integrations/test/redact-function.ts";

const flow = {
	request: { method: "GET", url: "http://a.test/?key=1", headers: [["x-key", "1"]] as const, text: "" },
	response: {
		status: 200,
		headers: [
			["set-cookie", "a=1"],
			["set-cookie", "b=2"],
		] as const,
		text: "1",
	},
};

t.test("changes", async (t) => {
	const changed = redactBy(({ request, response }) => {
		t.match([request.method, response?.status], ["GET", 200]);
		request.url = request.url.replace("1", "KEY");
		request.headers.set("x-key", "KEY");
		if (response) response.text = "KEY";
	}, flow);
	t.match(changed, {
		request: { url: "http://a.test/?key=KEY", headers: [["x-key", "KEY"]], text: "" },
		response: {
			headers: [
				["set-cookie", "a=1"],
				["set-cookie", "b=2"],
			],
			text: "KEY",
		},
	});
	t.match(
		redactBy(({ response }) => void t.equal(response, null), { ...flow, response: null }),
		{ response: null },
	);
});
