/*
 * strain.h - the XML of a stranger, made plain and bounded before an XML
 * library sees it.
 *
 * What comes out is UTF-8 made of elements and text alone: no document type and
 * no entity but the five of XML 1.0 section 4.6, no attribute, comment,
 * processing instruction or XML declaration.  Names of elements are in lower
 * case.  The usual faults of reporters are mended on the way: bytes in front of
 * the first tag and behind the last, a byte order mark, UTF-16, bytes that are
 * not UTF-8 (they become "?"), control characters, a bare "&", references to
 * entities that nobody declared.
 *
 * Refused is what no report needs: a document type, a tag or a text that is too
 * long, something that does not begin as XML at all.
 */
#ifndef AVOUCH_REPORT_STRAIN_H
#define AVOUCH_REPORT_STRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	XML_FILTER_TAG_MAX = 4096,   /* bytes of a tag, with its attributes */
	XML_FILTER_TEXT_MAX = 65536, /* bytes of text between two tags */
	XML_FILTER_JUNK_MAX = 1024,  /* bytes in front of the first tag */
	XML_FILTER_NAME_MAX = 64,    /* bytes of an element's name */
	XML_FILTER_GROWTH = 6, /* bytes that can come out for one: "&amp;" and
	                      what it had held back */
	XML_FILTER_HELD_MAX =
	    16, /* bytes held back from one call to the next */
};

enum xml_filter_state {
	XML_FILTER_START,
	XML_FILTER_TEXT,
	XML_FILTER_REFERENCE, /* behind "&" */
	XML_FILTER_OPEN,      /* behind "<" */
	XML_FILTER_NAME,
	XML_FILTER_ATTRIBUTES,
	XML_FILTER_QUOTED,
	XML_FILTER_MARKED, /* behind "<!" */
	XML_FILTER_COMMENT,
	XML_FILTER_INSTRUCTION,
	XML_FILTER_CDATA,
	XML_FILTER_DONE, /* behind the root: nothing more comes out */
};

enum xml_filter_form {
	XML_FILTER_UNKNOWN,
	XML_FILTER_BYTES,
	XML_FILTER_LITTLE,
	XML_FILTER_BIG
};

struct xml_filter { /* all 0: at the beginning of a document */
	enum xml_filter_state state;
	enum xml_filter_form form;
	unsigned char half[2]; /* of what tells the form; a unit's first byte */
	size_t n_half;
	char
	    held[XML_FILTER_HELD_MAX]; /* a character, a reference, "[CDATA[" */
	size_t n_held;
	size_t run;         /* bytes of this tag, comment, junk */
	size_t text;        /* bytes since the last tag */
	size_t depth;       /* elements that are open */
	bool closing;       /* in a tag: that of an end */
	char quote;         /* in XML_FILTER_QUOTED */
	char last[2];       /* the two bytes before, for "-->" and the like */
	unsigned brackets;  /* held back in XML_FILTER_CDATA */
	const char *reason; /* refused, and why */
};

/*
 * Strains `in` into `to`, of at least XML_FILTER_GROWTH * (in.n +
 * XML_FILTER_HELD_MAX) bytes; returns how many came out.  Refusals are in
 * s->reason, and nothing comes out then or later.
 */
size_t xml_filter(struct xml_filter *s, struct span in, char *to);

/* The document is at its end: what was held back comes out. */
size_t xml_filter_end(struct xml_filter *s, char *to);

#endif
