import t from "tap";
import { isPersonalValue, personalKind } from "../../../src/redact/personal-names.ts";

t.test("names that mean personal data", async (t) => {
	const kinds = {
		person: ["firstName", "last_name", "given-name", "surname", "fullName", "cardholder_name", "user[first_name]"],
		birthdate: ["birthDate", "date_of_birth", "dob", "birthday"],
		address: ["address", "billingAddress", "street", "address_line1", "postalCode", "zip", "addresses"],
		phone: ["phone", "phoneNumber", "mobile", "fax"],
	};
	for (const [kind, names] of Object.entries(kinds)) for (const name of names) t.equal(personalKind(name), kind, name);
});

t.test("names that do not", async (t) => {
	for (const name of [
		"name",
		"id",
		"file_name",
		"hostName",
		"ip_address",
		"macAddress",
		"email_address",
		"x".repeat(300),
		"",
	])
		t.equal(personalKind(name), null, name);
});

t.test("values", async (t) => {
	t.ok(isPersonalValue("Ann", "person"));
	t.ok(isPersonalValue("+49 30 123456", "phone"));
	t.ok(isPersonalValue("1990-01-02", "birthdate"));
	for (const value of ["", "null", "true"]) t.notOk(isPersonalValue(value, "address"));
	t.notOk(isPersonalValue("required", "phone"));
});
