#include "lib/taglist.h"

#include "lib/ascii.h"

/*
 * VALCHAR of RFC 6376 section 3.2, and white space.  Non-ASCII bytes are
 * allowed too, as the note there advises and RFC 8616 section 4 requires.
 */
static bool
is_value(unsigned char c)
{
	return (c > 0x20 && c != ';' && c != 0x7f) || ascii_is_space(c);
}

/* tag-spec of RFC 6376 section 3.2 */
enum tag_status
taglist_next(struct scan *s, struct tag *tag)
{
	scan_while(s, ascii_is_space);
	if (scan_done(s))
		return TAG_END;
	if (!ascii_is_alpha((unsigned char)*s->p))
		return TAG_BAD;
	tag->name = scan_while(s, ascii_is_tag);
	scan_while(s, ascii_is_space);
	if (!scan_byte(s, '='))
		return TAG_BAD;
	tag->value = span_trim(scan_while(s, is_value));
	if (!scan_done(s) && !scan_byte(s, ';'))
		return TAG_BAD;
	return TAG_ONE;
}

bool
taglist_read(struct span text, struct tag tags[TAGLIST_MAX], size_t *n,
    const char **reason)
{
	struct scan s = scan_of(text);
	struct tag tag;

	*n = 0;
	for (;;) {
		switch (taglist_next(&s, &tag)) {
		case TAG_END:
			return true;
		case TAG_BAD:
			*reason = "syntax error in the tag list";
			return false;
		case TAG_ONE:
			break;
		}
		if (*n == TAGLIST_MAX) {
			*reason = "too many tags";
			return false;
		}
		/* duplicate tags make the entire list invalid (RFC 6376 section
		 * 3.2) */
		for (size_t i = 0; i < *n; i++) {
			if (span_equal(tags[i].name, tag.name)) {
				*reason = "a tag is given twice";
				return false;
			}
		}
		tags[(*n)++] = tag;
	}
}

bool
taglist_find(
    const struct tag *tags, size_t n, const char *name, struct span *value)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is(tags[i].name, name)) {
			*value = tags[i].value;
			return true;
		}
	}
	return false;
}
