-- Tests avouch-milter with Debian's miltertest, which acts as the MTA.
-- Run by luatest.py with -D program=, conf=, socket=, signed= (a file).

local tests = {}
local function test(name, body) tests[#tests + 1] = { name, body } end

local function same(got, want, what)
	if got ~= want then
		error(what .. ": got " .. tostring(got) .. ", want " ..
		    tostring(want), 2)
	end
end

local function holds(text, part)
	if text == nil or not string.find(text, part, 1, true) then
		error(tostring(text) .. " does not contain " .. part, 2)
	end
end

local function ok(failure)
	if failure ~= nil then
		error(failure, 2)
	end
end

local function open(address)
	local c = mt.connect(socket, 3600, 0.05)
	if c == nil then
		error("no connection")
	end
	ok(mt.macro(c, SMFIC_CONNECT, "j", "mx.example.net"))
	ok(mt.conninfo(c, "client.example.org", address or "192.0.2.66"))
	ok(mt.helo(c, "client.example.org"))
	return c
end

local function header(c, fields)
	for _, f in ipairs(fields) do
		ok(mt.header(c, f[1], f[2]))
	end
	ok(mt.eoh(c))
end

local function finish(c, body)
	ok(mt.bodystring(c, body or "body\r\n"))
	ok(mt.eom(c))
end

local AR = "Authentication-Results"

test("only the necessary actions are requested", function()
	local c = open()
	for _, action in ipairs({ SMFIF_ADDHDRS, SMFIF_CHGHDRS,
	    SMFIF_QUARANTINE }) do
		same(mt.test_action(c, action), true, "action")
	end
	for _, action in ipairs({ SMFIF_CHGBODY, SMFIF_ADDRCPT,
	    SMFIF_DELRCPT }) do
		same(mt.test_action(c, action), false, "action")
	end
	mt.disconnect(c)
end)

test("an ordinary message gets one field, at the top", function()
	local c = open()
	ok(mt.mailfrom(c, "<x@plain.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { "From", " x@plain.example" }, { "Subject", " hello" } })
	finish(c)
	same(mt.getreply(c), SMFIR_CONTINUE, "reply")
	same(mt.eom_check(c, MT_HDRINSERT, AR), true, "inserted")
	same(mt.eom_check(c, MT_HDRDELETE), false, "deleted")
	holds(mt.getheader(c, AR, 0), "mx.example.net;")
	holds(mt.getheader(c, AR, 0), "dmarc=none")
	mt.disconnect(c)
end)

test("forged: the field is removed, the message is rejected", function()
	local c = open()
	ok(mt.mailfrom(c, "<alice@bank.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { AR, " mx.example.net; dmarc=pass" },
	    { "From", " alice@bank.example" } })
	finish(c)
	same(mt.getreply(c), SMFIR_REPLYCODE, "reply")
	mt.disconnect(c)
end)

test("forged fields of ours are removed, other fields stay", function()
	local c = open()
	ok(mt.mailfrom(c, "<x@plain.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { AR, " mx.example.net; dmarc=pass" },
	    { AR, " other.example; dmarc=pass" },
	    { "From", " x@plain.example" } })
	finish(c)
	same(mt.getreply(c), SMFIR_CONTINUE, "reply")
	same(mt.eom_check(c, MT_HDRDELETE, AR), true, "deleted")
	mt.disconnect(c)
end)

test("a signed message verifies", function()
	local c = open()
	ok(mt.mailfrom(c, "<bounce@mailer.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	local text = assert(io.open(signed, "rb")):read("a")
	local head, body = string.match(text, "^(.-)\r\n\r\n(.*)$")
	-- each field is on one line, because the driver signs without folding
	for line in string.gmatch(head .. "\r\n", "(.-)\r\n") do
		local name, value = string.match(line, "^([^:]*):(.*)$")
		ok(mt.header(c, name, value))
	end
	ok(mt.eoh(c))
	finish(c, body)
	holds(mt.getheader(c, AR, 0), "dkim=pass")
	holds(mt.getheader(c, AR, 0), "dmarc=pass")
	mt.disconnect(c)
end)

test("abort, then another message on the same connection", function()
	local c = open()
	ok(mt.mailfrom(c, "<alice@bank.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	ok(mt.header(c, AR, " mx.example.net; dmarc=pass"))
	ok(mt.abort(c))
	ok(mt.mailfrom(c, "<x@plain.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { "From", " x@plain.example" } })
	finish(c)
	same(mt.eom_check(c, MT_HDRDELETE), false, "deleted")
	holds(mt.getheader(c, AR, 0), "dmarc=none")
	mt.disconnect(c)
end)

test("clients without an address", function()
	local c = mt.connect(socket)
	ok(mt.conninfo(c, "localhost", "unspec"))
	ok(mt.mailfrom(c, "<x@plain.example>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { "From", " x@plain.example" } })
	finish(c)
	same(mt.eom_check(c, MT_HDRINSERT, AR), true, "inserted")
	mt.disconnect(c)
end)

test("connections that end without QUIT", function()
	for _ = 1, 5 do
		mt.disconnect(mt.connect(socket), false)
		mt.disconnect(open(), false)
		local c = open()
		ok(mt.mailfrom(c, "<x@plain.example>"))
		mt.disconnect(c, false)
	end
	mt.disconnect(open())
end)

test("IPv6, the null sender, a body of random bytes", function()
	local c = open("2001:db8::1")
	ok(mt.macro(c, SMFIC_MAIL, "i", "4Lua"))
	ok(mt.mailfrom(c, "<>"))
	ok(mt.rcptto(c, "<bob@example.net>"))
	header(c, { { "From", " x@plain.example" } })
	ok(mt.bodyrandom(c, 100000))
	ok(mt.eom(c))
	holds(mt.getheader(c, AR, 0), "smtp.helo=client.example.org")
	mt.disconnect(c)
end)

mt.startfilter(program, "-f", "-c", conf)
print(string.format("1..%d", #tests))
local failed = 0
for number, t in ipairs(tests) do
	local good, why = pcall(t[2])
	if good then
		print("ok " .. number .. " - miltertest: " .. t[1])
	else
		print("not ok " .. number .. " - miltertest: " .. t[1])
		print("# " .. tostring(why))
		failed = failed + 1
	end
end
if failed > 0 then
	error(failed .. " tests failed")
end
