// Tells by the name of a value whether the value is personal data: names of people, birth dates, addresses and phone
// numbers in JSON, forms and queries.
import { RecentMap } from "../flow/recent-map.ts";
import { wordsOf } from "./names.ts";
import type { PiiKind } from "./span.ts";

type PersonalKind = Extract<PiiKind, "person" | "birthdate" | "address" | "phone">;

/** Last words of names, joined by spaces. `name` alone does not count: most names are of things. */
const lastWords: ReadonlyMap<string, PersonalKind> = new Map([
	...kinds(
		"person",
		"first name,last name,given name,family name,middle name,full name,maiden name,birth name,legal name",
	),
	...kinds("person", "cardholder name,card holder,recipient name,customer name,patient name,guest name,passenger name"),
	...kinds(
		"person",
		"firstname,lastname,givenname,familyname,middlename,fullname,surname,forename,cardholder,cardholdername",
	),
	...kinds("birthdate", "birth date,birth day,birthdate,birthday,dob,dateofbirth,of birth"),
	...kinds("address", "street,street name,street number,house number,address line,addressline,streetaddress,po box"),
	...kinds("address", "postal code,post code,zip code,postalcode,postcode,zipcode,zip,plz"),
	...kinds("phone", "phone,phone number,phonenumber,telephone,telephone number,mobile,mobile number,cell phone,fax"),
	...kinds("phone", "fax number,msisdn"),
]);

/** In front of `address`, these words make it one of a network or program. */
const otherAddresses = new Set(
	(
		"ip ipv mac hw email mail e web website url uri bind listen listening server client remote local network net memory " +
		"contract wallet host source destination src dst broadcast gateway proxy peer base node token reply return socket " +
		"from to physical virtual"
	).split(" "),
);

const known = new RecentMap<string, PersonalKind | "">(1024);
/** Longer texts are not names. */
const NAME_LIMIT = 200;

/** The kind of personal data that a value with this name is; null: the name does not mean personal data. */
export function personalKind(name: string): PersonalKind | null {
	if (name.length > NAME_LIMIT) return null;
	let kind = known.get(name);
	if (kind === undefined) {
		kind = find(wordsOf(name)) ?? "";
		// a copy: V8 keeps a whole body in memory as long as a part of its text is in use
		known.set(Buffer.from(name).toString(), kind);
	}
	return kind === "" ? null : kind;
}

/** Whether a value under such a name can be personal data: not empty, no flag, and a phone number has digits. */
export function isPersonalValue(value: string, kind: PersonalKind): boolean {
	if (/^\s*(?:true|false|null|undefined)?\s*$/i.test(value)) return false;
	if (kind === "phone" || kind === "birthdate") return /\d/.test(value);
	return true;
}

function find(words: readonly string[]): PersonalKind | null {
	const [before = "", last = ""] = [words.at(-2), words.at(-1)];
	const kind = lastWords.get(`${before} ${last}`) ?? lastWords.get(last);
	if (kind !== undefined) return kind;
	return (last === "address" || last === "addresses") && !otherAddresses.has(before) ? "address" : null;
}

function kinds(kind: PersonalKind, text: string): [string, PersonalKind][] {
	return text.split(",").map((words) => [words, kind]);
}
