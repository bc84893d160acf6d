// Creates a redactor from options, the environment and the key.
import t from "tap";
import { createRedactor } from "../../api/redaction.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { defaults } from "../../src/options.ts";
import { options } from "../../src/redact/options.ts";

const values = defaults(options);

t.test("without --redact there is no redactor, and its options are errors", async (t) => {
	const env = { FLOWTAPE_HOME: t.testdir() };
	t.equal(await createRedactor(values, env, {}), null);
	for (const given of [{ redact_header: ["x"] }, { redact_pii: true }])
		await t.rejects(createRedactor({ ...values, ...given }, env, {}), {
			code: "FT_BAD_OPTION",
			message: "it adds to what --redact replaces, so --redact must be given too",
		});
});

t.test("with a key of its environment, and the secrets of its variables", async (t) => {
	const env = { FLOWTAPE_HOME: t.testdir(), DEPLOY_TOKEN: "x9-deploy-token" };
	const redactor = await createRedactor({ ...values, redact: true }, env, {});
	const flow = httpFlow({ response: { body: "x9-deploy-token" } });
	t.ok(redactor?.redact(flow));
	t.match(flow.response?.text, /^ftr_e/);
});
