/*
 * lex.h - the tokens of a configuration file, for parse.c.
 */
#ifndef AVOUCH_CONF_LEX_H
#define AVOUCH_CONF_LEX_H

#include <stdbool.h>

#include "lib/scan.h"
#include "conf/errors.h"

enum conf_token_kind { /* a sign is its own byte */
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
	char quote;       /* that a quoted one is in */
	struct span text; /* without the quotes */
	unsigned line;
};

struct conf_lexer {
	struct scan s;
	unsigned line;
	struct conf_token next; /* set by conf_lex() */
	struct conf_errors *errors;
};

/*
 * Passes over white space and comments and takes the token that follows.  A
 * word that names something ends at any sign; one that is a value ends only at
 * white space, "," and "}", and a sign in it is an error: it needs quotes.
 */
void conf_lex(struct conf_lexer *l, bool is_value);

/* The kind of the token after the next one; takes nothing. */
enum conf_token_kind conf_lex_ahead(const struct conf_lexer *l);

/* The next token is a word or a quoted text. */
bool conf_lex_has_text(const struct conf_lexer *l);

/* The text of the next token, without escapes; never NULL. */
const char *conf_lex_text(const struct conf_lexer *l);

#endif
