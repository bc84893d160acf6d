// The registered reason phrases.
import { STATUS_CODES } from "node:http";
import t from "tap";
import { standardReason } from "../../../src/flow/reason.ts";

t.test("reasons of registered status codes only", async (t) => {
	for (const [code, reason] of [
		[200, "OK"],
		[404, "Not Found"],
		[413, "Content Too Large"],
		[422, "Unprocessable Content"],
		[418, "I'm a teapot"],
	] as const)
		t.equal(standardReason(code), reason);
	for (const code of [0, 99, 299, 600, 1000, Number.NaN]) t.equal(standardReason(code), "");
	for (const code of Object.keys(STATUS_CODES)) if (code !== "509") t.not(standardReason(Number(code)), "", code);
});
