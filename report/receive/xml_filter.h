/*
 * xml_filter.h - filters untrusted XML before libxml2 parses it.
 *
 * The output is UTF-8 with elements and text only: no document type, no entity
 * except the five of XML 1.0 section 4.6, no attribute, comment, processing
 * instruction or XML declaration.  Element names are in lower case.  Common
 * errors in reports are corrected: bytes before the first tag and after the
 * last, a byte order mark, UTF-16, invalid UTF-8 and control characters (they
 * become "?"), a bare "&", references to undeclared entities, and a schema
 * element around or within the report.
 *
 * It refuses what no report needs: a document type, overlong tags or text, and
 * input that does not begin like XML.
 */
#ifndef AVOUCH_REPORT_RECEIVE_XML_FILTER_H
#define AVOUCH_REPORT_RECEIVE_XML_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	XML_FILTER_TAG_MAX = 4096,   /* bytes of a tag, with its attributes */
	XML_FILTER_TEXT_MAX = 65536, /* bytes of text between two tags */
	XML_FILTER_JUNK_MAX = 1024,  /* bytes before the first tag */
	XML_FILTER_NAME_MAX = 64,    /* bytes of an element's name */
	XML_FILTER_GROWTH =
	    6, /* bytes of output per byte of input: "&amp;" and held bytes */
	XML_FILTER_HELD_MAX = 16, /* bytes kept from one call to the next */
};

enum xml_filter_state {
	XML_FILTER_START,
	XML_FILTER_TEXT,
	XML_FILTER_REFERENCE, /* after "&" */
	XML_FILTER_OPEN,      /* after "<" */
	XML_FILTER_NAME,
	XML_FILTER_ATTRIBUTES,
	XML_FILTER_QUOTED,
	XML_FILTER_MARKED, /* after "<!" */
	XML_FILTER_COMMENT,
	XML_FILTER_INSTRUCTION,
	XML_FILTER_CDATA,
	XML_FILTER_DONE, /* after the root; no more output */
};

enum xml_filter_form {
	XML_FILTER_UNKNOWN,
	XML_FILTER_BYTES,
	XML_FILTER_LITTLE,
	XML_FILTER_BIG
};

struct xml_filter { /* must be all zero at the start of a document */
	enum xml_filter_state state;
	enum xml_filter_form form;
	unsigned char half[2]; /* bytes to detect the encoding from, or the
	                          first byte of a UTF-16 unit */
	size_t n_half;
	char held[XML_FILTER_HELD_MAX]; /* incomplete character, reference or
	                                   "[CDATA[" */
	size_t n_held;
	size_t run;   /* bytes of the current tag, comment or junk */
	size_t text;  /* bytes since the last tag */
	size_t depth; /* number of open elements */
	char name[XML_FILTER_NAME_MAX]; /* name in the current tag, with its "/"
	                                 */
	size_t n_name;
	bool closing; /* the current tag is an end tag */
	bool skipped; /* the current tag is left out */
	char quote;   /* the quote character that ends XML_FILTER_QUOTED */
	char last[2]; /* the previous two bytes, to find "-->" and similar */
	unsigned brackets;  /* number of "]" held in XML_FILTER_CDATA */
	const char *reason; /* why the document was refused, or NULL */
};

/*
 * Filters `in` into `to`, which has at least XML_FILTER_GROWTH * (in.n +
 * XML_FILTER_HELD_MAX) bytes; returns the number of bytes written.  If the
 * document is refused, s->reason is set, and this call and later ones write
 * nothing.
 */
size_t xml_filter(struct xml_filter *s, struct span in, char *to);

/* Ends the document: writes the held bytes. */
size_t xml_filter_end(struct xml_filter *s, char *to);

#endif
