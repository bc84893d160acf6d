// Throws damage without a listener, and counts it with one.
import t from "tap";
import { TroubleLog } from "../../api/trouble.ts";

t.test("damage is thrown unless there is a listener; other reports are never thrown", async (t) => {
	const strict = new TroubleLog({});
	t.throws(() => strict.reportInput("FT_CORRUPT_FLOW", "a.tape: flow 3", { record: 3 }), {
		code: "FT_CORRUPT_FLOW",
		record: 3,
	});
	strict.report("FT_LOSS", "no room");
	t.match(strict, { damaged: 0, notices: 1, unread: 1 });
	const reported: string[] = [];
	const tolerant = new TroubleLog({ onTrouble: (code) => reported.push(code) });
	tolerant.reportInput("FT_STORE", "damage");
	tolerant.report("FT_TOO_LARGE", "damage");
	tolerant.report("FT_UPGRADED", "none");
	t.match(tolerant, { damaged: 2, notices: 1, unread: 1 });
	t.same(reported, ["FT_STORE", "FT_TOO_LARGE", "FT_UPGRADED"]);
	const silent = new TroubleLog({ strict: false });
	silent.report("FT_STORE", "damage");
	t.equal(silent.damaged, 1);
});

t.test("an error of a listener is thrown", async (t) => {
	const log = new TroubleLog({
		onTrouble() {
			throw new Error("enough");
		},
	});
	t.throws(() => log.report("FT_LOSS", "no room"), /enough/);
});
