// System's findChild() over the program's own tags, which are held against a real parser; test/daemon/xml.test.ts holds the C against both.

import { TagScanner, XmlError } from "../../helper/libvirt/domain-xml.ts";
import { XML_CUT_SHORT, XML_DOCTYPE } from "../../helper/sys/system.ts";

export function findChild(xml: Uint8Array, from: number, name: Uint8Array): number {
  const tags = new TagScanner(xml.subarray(from), { findChild });
  try {
    goTo(tags, name);
    return from + tags.start;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return error.message.includes("document type") ? XML_DOCTYPE : XML_CUT_SHORT;
  }
}

function goTo(tags: TagScanner, name: Uint8Array): void {
  for (let depth = 0; ; ) {
    tags.next();
    if (depth === 0 && (tags.isEnd || tags.hasName(name))) return;
    if (tags.isEnd) depth -= 1;
    else if (!tags.isEmpty) depth += 1;
  }
}
