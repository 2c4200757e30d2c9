#include "report/show/page.h"

#include "lib/date.h"
#include "lib/utf8.h"
#include "report/show/summary.h"

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1b2430;"
    "--soft:#5c6878;--line:#e2e6eb;--good:#1a7f4b;--bad:#c6372f;"
    "--warn:#b7791f;--accent:#2457c5;--goodbg:#e5f4ec;--badbg:#fbe9e7;"
    "--warnbg:#fdf3dd;--accentbg:#e7eefc}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;"
    "--ink:#e8ecf1;--soft:#9aa6b5;--line:#2d3642;--good:#4cc38a;--bad:#f2766b;"
    "--warn:#e5b454;--accent:#7ea6f8;--goodbg:#16301f;--badbg:#3a1c1a;"
    "--warnbg:#352a12;--accentbg:#182746}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);"
    "color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',"
    "Roboto,'DejaVu Sans',sans-serif}"
    "main{max-width:1080px;margin:0 auto;padding:28px 20px 60px}"
    "h1{font-size:26px;margin:0}h2{font-size:21px;margin:0;"
    "overflow-wrap:anywhere}h3{font-size:15px;margin:26px 0 8px}"
    "p{margin:4px 0}.soft{color:var(--soft)}"
    ".card{background:var(--card);border:1px solid var(--line);"
    "border-radius:12px;padding:22px 24px;margin-top:22px}"
    ".tiles{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}"
    ".tile{flex:1 1 105px;border:1px solid var(--line);border-radius:10px;"
    "padding:10px 14px}.tile b{display:block;font-size:23px;"
    "font-variant-numeric:tabular-nums}.tile span{color:var(--soft);"
    "font-size:13px}"
    ".advice{border-left:5px solid;border-radius:8px;padding:12px 16px;"
    "margin:14px 0}.advice b{display:block;font-size:16px}"
    ".g{border-color:var(--good);background:var(--goodbg)}"
    ".w{border-color:var(--warn);background:var(--warnbg)}"
    ".i{border-color:var(--accent);background:var(--accentbg)}"
    "table{border-collapse:collapse;width:100%;font-size:14px}"
    ".wide{overflow-x:auto}"
    "th{text-align:left;color:var(--soft);font-weight:600;font-size:12px;"
    "text-transform:uppercase;letter-spacing:.04em}"
    "th,td{padding:7px 12px 7px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top}td.n,th.n{text-align:right;"
    "font-variant-numeric:tabular-nums;white-space:nowrap}"
    "td.a{overflow-wrap:anywhere;min-width:190px}"
    "td.t{overflow-wrap:break-word;max-width:260px}td.d{white-space:nowrap}"
    ".name{display:block;color:var(--soft);font-size:13px}"
    ".tag{display:inline-block;border-radius:999px;padding:1px 10px;"
    "font-size:12.5px;font-weight:600;white-space:nowrap}"
    ".tg{color:var(--good);background:var(--goodbg)}"
    ".tw{color:var(--warn);background:var(--warnbg)}"
    ".tb{color:var(--bad);background:var(--badbg)}"
    ".ti{color:var(--accent);background:var(--accentbg)}"
    ".cause,.group{border:1px solid var(--line);border-radius:10px;"
    "padding:12px 16px;margin:10px 0}.group{padding-bottom:4px}"
    ".group>p:nth-child(2){margin-bottom:10px}"
    "svg{display:block;width:100%;height:auto}"
    "svg text{fill:var(--soft);font-size:12px}"
    ".pass{fill:var(--good)}.fail{fill:var(--bad)}.rest{fill:var(--line)}"
    ".grid{stroke:var(--line)}.rate{fill:none;stroke:var(--accent);"
    "stroke-width:2.5;stroke-linejoin:round}.dot{fill:var(--accent)}"
    "svg.bar{width:90px;height:8px;margin-top:7px}"
    ".key{display:flex;gap:18px;font-size:13px;color:var(--soft);"
    "margin-top:4px}.key i{display:inline-block;width:11px;height:11px;"
    "border-radius:3px;margin-right:6px}.kp{background:var(--good)}"
    ".kf{background:var(--bad)}.kr{background:var(--accent)}";

/* Styles for senders, and for narrow screens. */
static const char more_style[] =
    ".r{border-color:var(--bad);background:var(--badbg)}"
    "h2 .tag{margin-left:8px;vertical-align:3px}"
    ".tiles.eight{display:grid;grid-template-columns:repeat(4,1fr)}"
    "@media(min-width:1060px){.tiles.eight{"
    "grid-template-columns:repeat(8,1fr)}}"
    ".tile b,.num{white-space:nowrap}.tile .up{color:var(--good)}"
    ".tile .down{color:var(--bad)}"
    ".index a{color:inherit;text-decoration:none;overflow-wrap:anywhere}"
    ".index a:hover{text-decoration:underline}"
    ".up{color:var(--good)}.down{color:var(--bad)}"
    "details.sender{border-top:1px solid var(--line)}"
    "details.sender>summary{display:flex;flex-wrap:wrap;gap:2px 14px;"
    "align-items:baseline;padding:8px 0;cursor:pointer}"
    "details.sender>summary::before{content:'\\25b8';color:var(--soft);"
    "width:10px}details.sender[open]>summary::before{content:'\\25be'}"
    "summary::-webkit-details-marker{display:none}"
    ".who{flex:1 1 240px;font-weight:600;overflow-wrap:anywhere}"
    ".who .soft{font-weight:400;font-size:13px}.who .tag{margin-left:6px}"
    ".num{min-width:74px;text-align:right;font-variant-numeric:tabular-nums}"
    "details.more>summary{cursor:pointer;color:var(--accent);"
    "padding:8px 0}"
    ".in{margin:0 0 14px 24px;font-size:14px}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;"
    "margin:4px 0 10px}dt{color:var(--soft)}dd{margin:0;"
    "overflow-wrap:anywhere}"
    "@media(max-width:600px){main{padding:18px 10px 40px}"
    ".card{padding:16px 14px}.chart{direction:rtl}"
    ".tiles.eight{grid-template-columns:1fr 1fr}"
    ".chart svg{min-width:620px;direction:ltr}.in{margin-left:0}"
    ".group{padding:10px 10px 2px}dl{grid-template-columns:1fr}"
    "dd{margin-bottom:4px}.who{flex-basis:88%}.num{text-align:left;"
    "min-width:0;margin-left:10px}"
    "th,td{padding-right:9px}td.a{min-width:130px}td.b,th.b{display:none}}";

static void
put_one(FILE *out, struct span character)
{
	switch (character.p[0]) {
	case '&':
		fputs("&amp;", out);
		break;
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	default: /* any other byte */
		fwrite(character.p, 1, character.n, out);
	}
}

void
page_text(FILE *out, struct span text)
{
	while (text.n > 0) {
		size_t size = utf8_plain(text);

		if (size > 0)
			put_one(out, span_first(text, size));
		else
			fputc('?', out);
		text = span_skip(text, size > 0 ? size : 1);
	}
}

void
page_number(FILE *out, uint64_t value)
{
	char memory[24];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_number(&b, value);
	for (size_t i = 0; i < b.n; i++) {
		if (i > 0 && (b.n - i) % 3 == 0)
			fputc(',', out);
		fputc(b.p[i], out);
	}
}

void
page_rate(FILE *out, uint64_t part, uint64_t whole)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	view_put_rate(&b, part, whole);
	fputs(whole > 0 ? b.p : "&#8211;", out);
}

void
page_day(FILE *out, int64_t day)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	fputs(b.p, out);
}

void
page_address(FILE *out, const struct ip *ip)
{
	char memory[IP_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	ip_put(&b, ip);
	fputs(b.p, out);
}

void
page_begin(FILE *out, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head>"
	      "<meta charset=\"utf-8\"><meta http-equiv=\""
	      "Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
	      "\"><meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\"><meta name=\"referrer\" "
	      "content=\"no-referrer\"><title>",
	    out);
	page_text(out, span_str(title));
	fputs("</title><style>", out);
	fputs(style, out);
	fputs(more_style, out);
	fputs("</style></head><body><main>\n<h1>", out);
	page_text(out, span_str(title));
	fputs("</h1>", out);
}

void
page_end(FILE *out)
{
	fputs("</main></body></html>\n", out);
}
