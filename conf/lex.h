/*
 * lex.h - the tokens of a configuration file, for parse.c.
 */
#ifndef AVOUCH_CONF_LEX_H
#define AVOUCH_CONF_LEX_H

#include <stdbool.h>

#include "lib/scan.h"
#include "conf/errors.h"

enum conf_token_kind { /* for punctuation, the kind is the character itself */
	CONF_TOKEN_END,
	CONF_TOKEN_WORD,
	CONF_TOKEN_QUOTED,
	CONF_TOKEN_ADD, /* "+=" */
	CONF_TOKEN_SET = '=',
	CONF_TOKEN_COMMA = ',',
	CONF_TOKEN_OPEN = '{',
	CONF_TOKEN_CLOSE = '}',
};

struct conf_token {
	enum conf_token_kind kind;
	char quote;       /* quotation mark of CONF_TOKEN_QUOTED */
	struct span text; /* without the quotes */
	unsigned line;
};

struct conf_lexer {
	struct scan s;
	unsigned line;
	struct conf_token next; /* next token, set by conf_lex() */
	struct conf_errors *errors;
};

/*
 * Skips white space and comments, and reads the token that follows.  A word
 * that is a name ends at any punctuation.  A word that is a value ends only at
 * white space, "," or "}"; other punctuation in it is an error, because such a
 * value needs quotes.
 */
void conf_lex(struct conf_lexer *l, bool is_value);

/* Returns the kind of the token after the next one, without reading it. */
enum conf_token_kind conf_lex_ahead(const struct conf_lexer *l);

/* Whether the next token is a word or a quoted string. */
bool conf_lex_has_text(const struct conf_lexer *l);

/* Returns the text of the next token with escapes removed; never NULL. */
const char *conf_lex_text(const struct conf_lexer *l);

#endif
