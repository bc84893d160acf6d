// Advice in the words of `useTape`.
import t from "tap";
import { apiWording } from "../../../integrations/test/api-wording.ts";

t.test("options of a list are one list", async (t) => {
	t.equal(
		apiWording.optionsText([
			{ name: "server_replay_ignore_json", value: "/a" },
			{ name: "server_replay_ignore_host", value: true },
			{ name: "server_replay_ignore_json", value: '/"b"' },
			{ name: "server_replay_match_content", value: "meaning" },
		]),
		'match: { ignoreJson: ["/a", "/\\"b\\""], ignoreHost: true, matchContent: "meaning" }',
	);
	t.equal(apiWording.optionsText([{ name: "server_replay_order", value: "sequence" }]), 'match: { order: "sequence" }');
});
