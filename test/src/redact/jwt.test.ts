import t from "tap";
import { isRedactedJwt, parseJwt, redactJwt } from "../../../src/redact/jwt.ts";

const coded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const payload = { sub: "ann", exp: 1_798_848_000, iss: "me", roles: ["admin"], address: { city: "Ulm" } };
const token = `${coded({ alg: "HS256", typ: "JWT", x5t: "thumb" })}.${coded(payload)}.${"s".repeat(43)}`;
const redacted = redactJwt(token, (value) => `(${value.length})`, "ftr_jwt_abcdefghijkl_000") ?? "";

t.test("dates, issuer and algorithm stay, other texts are replaced at every depth", async (t) => {
	t.same(parseJwt(redacted), {
		header: { alg: "HS256", typ: "JWT", x5t: "(5)" },
		payload: { sub: "(3)", exp: 1_798_848_000, iss: "me", roles: ["(5)"], address: { city: "(3)" } },
		signature: `ftr_jwt_abcdefghijkl_${"0".repeat(22)}`,
	});
});

t.test("a redacted token is known as one", async (t) => {
	t.ok(isRedactedJwt(redacted));
	t.notOk(isRedactedJwt(token));
	t.notOk(isRedactedJwt("a.ftr_b.c"));
});

t.test("what is no token is left to others", async (t) => {
	for (const text of ["", "a.b", "a.b.c", `${coded([1])}.${coded({})}.x`, `${coded({})}.notjson.x`])
		t.equal(
			redactJwt(text, (value) => value, "x"),
			null,
			text,
		);
});

t.test("claims nested too deeply are dropped", async (t) => {
	let deep: unknown = "secret";
	for (let i = 0; i < 50; i++) deep = { deep };
	const result = redactJwt(`${coded({ alg: "none" })}.${coded({ deep })}.`, () => "-", "ftr_jwt_abcdefghijkl");
	t.notMatch(Buffer.from(result?.split(".")[1] ?? "", "base64url").toString(), /secret/);
});
