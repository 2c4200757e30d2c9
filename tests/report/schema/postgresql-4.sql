-- A shared store of schema version 4, as the avouch of then made it.
CREATE SCHEMA avouch;
CREATE TABLE avouch.bounce (
    address text NOT NULL,
    count bigint NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    suppressed bigint NOT NULL,
    note text NOT NULL
);
CREATE TABLE avouch.delivery (
    id bigint NOT NULL,
    report bigint NOT NULL,
    destination text NOT NULL,
    state bigint NOT NULL,
    attempts bigint NOT NULL,
    changed bigint NOT NULL,
    not_before bigint NOT NULL,
    note text NOT NULL
);
ALTER TABLE avouch.delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE avouch.host (
    store text NOT NULL,
    name text NOT NULL,
    day bigint NOT NULL,
    ticket text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE avouch.kept (
    day bigint NOT NULL,
    policy bigint NOT NULL,
    source bigint NOT NULL,
    shape bigint NOT NULL,
    messages bigint NOT NULL,
    last bigint NOT NULL
);
CREATE TABLE avouch.meta (
    name text NOT NULL,
    value text NOT NULL
);
CREATE TABLE avouch.policy (
    id bigint NOT NULL,
    domain text NOT NULL,
    record text NOT NULL,
    used bigint NOT NULL
);
ALTER TABLE avouch.policy ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.policy_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE avouch.received (
    id bigint NOT NULL,
    organisation text NOT NULL,
    email text NOT NULL,
    contact text NOT NULL,
    report_id text NOT NULL,
    begin_at bigint NOT NULL,
    end_at bigint NOT NULL,
    domain text NOT NULL,
    p text NOT NULL,
    sp text NOT NULL,
    np text NOT NULL,
    adkim text NOT NULL,
    aspf text NOT NULL,
    fo text NOT NULL,
    testing text NOT NULL,
    pct text NOT NULL,
    discovery text NOT NULL,
    version text NOT NULL,
    generator text NOT NULL,
    errors text NOT NULL,
    file text NOT NULL,
    read_at bigint NOT NULL,
    rows bigint NOT NULL,
    messages bigint NOT NULL
);
ALTER TABLE avouch.received ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.received_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE avouch.received_row (
    report bigint NOT NULL,
    source bigint NOT NULL,
    shape bigint NOT NULL,
    messages bigint NOT NULL
);
CREATE TABLE avouch.report (
    id bigint NOT NULL,
    day bigint NOT NULL,
    domain text NOT NULL,
    part bigint NOT NULL,
    parts bigint NOT NULL,
    report_id text NOT NULL,
    record text NOT NULL,
    made bigint NOT NULL,
    rows bigint NOT NULL,
    messages bigint NOT NULL,
    note text NOT NULL
);
ALTER TABLE avouch.report ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.report_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE avouch.shape (
    id bigint NOT NULL,
    hash bigint NOT NULL,
    header_from text NOT NULL,
    envelope_from text NOT NULL,
    disposition text NOT NULL,
    dkim_aligned bigint NOT NULL,
    spf_aligned bigint NOT NULL,
    automatic bigint NOT NULL,
    override text NOT NULL,
    comment text NOT NULL,
    spf_domain text NOT NULL,
    spf_scope text NOT NULL,
    spf_result text NOT NULL,
    dkim text NOT NULL,
    used bigint NOT NULL
);
ALTER TABLE avouch.shape ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.shape_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE avouch.source (
    id bigint NOT NULL,
    address text NOT NULL,
    used bigint NOT NULL
);
ALTER TABLE avouch.source ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME avouch.source_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
INSERT INTO avouch.bounce VALUES ('gone@d2.example', 3, 1769904000, 1770595200, 1, '550 no such user');
INSERT INTO avouch.delivery OVERRIDING SYSTEM VALUE VALUES (1, 1, 'r@d1.example', 2, 1, 1770595200, 0, '');
INSERT INTO avouch.host VALUES ('0123456789abcdef0123456789abcdef', 'mx1', 20493, 'token', 1770681600);
INSERT INTO avouch.kept VALUES (20492, 1, 1, 2, 1, 1770508801);
INSERT INTO avouch.kept VALUES (20492, 1, 2, 3, 2, 1770508802);
INSERT INTO avouch.kept VALUES (20492, 1, 3, 4, 3, 1770508803);
INSERT INTO avouch.kept VALUES (20492, 2, 1, 3, 4, 1770508804);
INSERT INTO avouch.kept VALUES (20492, 2, 2, 4, 5, 1770508805);
INSERT INTO avouch.kept VALUES (20492, 2, 3, 5, 6, 1770508806);
INSERT INTO avouch.kept VALUES (20492, 3, 1, 4, 7, 1770508807);
INSERT INTO avouch.kept VALUES (20492, 3, 2, 5, 8, 1770508808);
INSERT INTO avouch.kept VALUES (20492, 3, 3, 6, 9, 1770508809);
INSERT INTO avouch.kept VALUES (20493, 1, 1, 2, 10, 1770595210);
INSERT INTO avouch.kept VALUES (20493, 1, 2, 3, 11, 1770595211);
INSERT INTO avouch.kept VALUES (20493, 1, 3, 4, 12, 1770595212);
INSERT INTO avouch.kept VALUES (20493, 2, 1, 3, 13, 1770595213);
INSERT INTO avouch.kept VALUES (20493, 2, 2, 4, 14, 1770595214);
INSERT INTO avouch.kept VALUES (20493, 2, 3, 5, 15, 1770595215);
INSERT INTO avouch.kept VALUES (20493, 3, 1, 4, 16, 1770595216);
INSERT INTO avouch.kept VALUES (20493, 3, 2, 5, 17, 1770595217);
INSERT INTO avouch.kept VALUES (20493, 3, 3, 6, 18, 1770595218);
INSERT INTO avouch.meta VALUES ('schema', '4');
INSERT INTO avouch.policy OVERRIDING SYSTEM VALUE VALUES (1, 'd1.example', 'v=DMARC1; p=none; rua=mailto:r@d1.example', 20494);
INSERT INTO avouch.policy OVERRIDING SYSTEM VALUE VALUES (2, 'd2.example', 'v=DMARC1; p=none; rua=mailto:r@d2.example', 20494);
INSERT INTO avouch.policy OVERRIDING SYSTEM VALUE VALUES (3, 'd3.example', 'v=DMARC1; p=none; rua=mailto:r@d3.example', 20494);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (1, 'Receiver', 'dmarc@receiver.example', '', 'example.com-0', 1770681600, 1770767999, 'example.com', 'none', '', '', '', '', '', '', '', '', '1.0', '', '', 'in/0.xml', 1770681600, 9, 1560);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (2, 'Receiver', 'dmarc@receiver.example', '', 'shop.example-0', 1770681600, 1770767999, 'shop.example', 'quarantine', '', 'reject', '', '', '', '', '', '', '1.0', '', '', 'in/1.xml', 1770681600, 2, 211);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (3, 'Receiver', 'dmarc@receiver.example', '', 'example.com-1', 1770595200, 1770681599, 'example.com', 'none', '', '', '', '', '', '', '', '', '1.0', '', '', 'in/2.xml', 1770681600, 9, 1629);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (4, 'Receiver', 'dmarc@receiver.example', '', 'shop.example-1', 1770595200, 1770681599, 'shop.example', 'quarantine', '', 'reject', '', '', '', '', '', '', '1.0', '', '', 'in/3.xml', 1770681600, 2, 220);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (5, 'Receiver', 'dmarc@receiver.example', '', 'example.com-2', 1770508800, 1770595199, 'example.com', 'none', '', '', '', '', '', '', '', '', '1.0', '', '', 'in/4.xml', 1770681600, 9, 1698);
INSERT INTO avouch.received OVERRIDING SYSTEM VALUE VALUES (6, 'Receiver', 'dmarc@receiver.example', '', 'shop.example-2', 1770508800, 1770595199, 'shop.example', 'quarantine', '', 'reject', '', '', '', '', '', '', '1.0', '', '', 'in/5.xml', 1770681600, 2, 229);
INSERT INTO avouch.received_row VALUES (1, 1, 1, 940);
INSERT INTO avouch.received_row VALUES (1, 2, 1, 330);
INSERT INTO avouch.received_row VALUES (1, 3, 1, 121);
INSERT INTO avouch.received_row VALUES (1, 4, 2, 61);
INSERT INTO avouch.received_row VALUES (1, 5, 3, 26);
INSERT INTO avouch.received_row VALUES (1, 6, 4, 8);
INSERT INTO avouch.received_row VALUES (1, 7, 5, 40);
INSERT INTO avouch.received_row VALUES (1, 8, 6, 3);
INSERT INTO avouch.received_row VALUES (1, 9, 1, 31);
INSERT INTO avouch.received_row VALUES (2, 10, 7, 209);
INSERT INTO avouch.received_row VALUES (2, 11, 8, 2);
INSERT INTO avouch.received_row VALUES (3, 1, 1, 980);
INSERT INTO avouch.received_row VALUES (3, 2, 1, 350);
INSERT INTO avouch.received_row VALUES (3, 3, 1, 122);
INSERT INTO avouch.received_row VALUES (3, 4, 2, 62);
INSERT INTO avouch.received_row VALUES (3, 5, 3, 27);
INSERT INTO avouch.received_row VALUES (3, 6, 4, 8);
INSERT INTO avouch.received_row VALUES (3, 7, 5, 40);
INSERT INTO avouch.received_row VALUES (3, 12, 6, 8);
INSERT INTO avouch.received_row VALUES (3, 9, 1, 32);
INSERT INTO avouch.received_row VALUES (4, 10, 7, 218);
INSERT INTO avouch.received_row VALUES (4, 11, 8, 2);
INSERT INTO avouch.received_row VALUES (5, 1, 1, 1020);
INSERT INTO avouch.received_row VALUES (5, 2, 1, 370);
INSERT INTO avouch.received_row VALUES (5, 3, 1, 123);
INSERT INTO avouch.received_row VALUES (5, 4, 2, 63);
INSERT INTO avouch.received_row VALUES (5, 5, 3, 28);
INSERT INTO avouch.received_row VALUES (5, 6, 4, 8);
INSERT INTO avouch.received_row VALUES (5, 7, 5, 40);
INSERT INTO avouch.received_row VALUES (5, 13, 6, 13);
INSERT INTO avouch.received_row VALUES (5, 9, 1, 33);
INSERT INTO avouch.received_row VALUES (6, 10, 7, 227);
INSERT INTO avouch.received_row VALUES (6, 11, 8, 2);
INSERT INTO avouch.report OVERRIDING SYSTEM VALUE VALUES (1, 20491, 'd1.example', 1, 1, 'a.1', 'v=DMARC1; p=none', 1770595200, 3, 6, '');
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (1, -1116720657310102873, 'example.com', 'example.com', 'none', 1, 1, 0, '', '', 'example.com', 'mfrom', 'pass', 'pass example.com s1', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (2, 9003247880967393875, 'example.com', 'example.com', 'none', 0, 1, 0, '', '', 'example.com', 'mfrom', 'pass', '', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (3, -4402251418819842936, 'example.com', 'bounce.mailer.example', 'none', 0, 0, 0, '', '', 'bounce.mailer.example', 'mfrom', 'pass', 'pass mailer.example s1', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (4, 7416988436297606550, 'example.com', 'lists.example.net', 'none', 0, 0, 0, 'mailing_list', '', 'lists.example.net', 'mfrom', 'pass', 'fail example.com s1', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (5, -8538126477360817040, 'example.com', 'example.com', 'none', 0, 1, 0, '', '', 'example.com', 'mfrom', 'pass', 'fail example.com s1', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (6, 6811235653026346826, 'example.com', 'example.com', 'none', 0, 0, 0, '', '', 'example.com', 'mfrom', 'softfail', '', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (7, 786537531891605957, 'shop.example', 'shop.example', 'none', 1, 1, 0, '', '', 'shop.example', 'mfrom', 'pass', 'pass shop.example s1', 20494);
INSERT INTO avouch.shape OVERRIDING SYSTEM VALUE VALUES (8, -6614993229593686002, 'shop.example', 'shop.example', 'quarantine', 0, 0, 0, '', '', 'shop.example', 'mfrom', 'fail', '', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (1, '192.0.2.10', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (2, '192.0.2.11', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (3, '2001:db8:25::7', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (4, '198.51.100.20', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (5, '198.51.100.44', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (6, '203.0.113.5', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (7, '198.51.100.77', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (8, '203.0.113.100', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (9, '192.0.2.99', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (10, '192.0.2.30', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (11, '203.0.113.250', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (12, '203.0.113.101', 20494);
INSERT INTO avouch.source OVERRIDING SYSTEM VALUE VALUES (13, '203.0.113.102', 20494);
SELECT pg_catalog.setval('avouch.delivery_id_seq', 1, true);
SELECT pg_catalog.setval('avouch.policy_id_seq', 3, true);
SELECT pg_catalog.setval('avouch.received_id_seq', 6, true);
SELECT pg_catalog.setval('avouch.report_id_seq', 1, true);
SELECT pg_catalog.setval('avouch.shape_id_seq', 8, true);
SELECT pg_catalog.setval('avouch.source_id_seq', 13, true);
ALTER TABLE ONLY avouch.bounce
    ADD CONSTRAINT bounce_pkey PRIMARY KEY (address);
ALTER TABLE ONLY avouch.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY avouch.delivery
    ADD CONSTRAINT delivery_report_destination_key UNIQUE (report, destination);
ALTER TABLE ONLY avouch.host
    ADD CONSTRAINT host_pkey PRIMARY KEY (store);
ALTER TABLE ONLY avouch.kept
    ADD CONSTRAINT kept_pkey PRIMARY KEY (day, policy, source, shape);
ALTER TABLE ONLY avouch.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY avouch.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (id);
ALTER TABLE ONLY avouch.received
    ADD CONSTRAINT received_pkey PRIMARY KEY (id);
ALTER TABLE ONLY avouch.received_row
    ADD CONSTRAINT received_row_pkey PRIMARY KEY (report, source, shape);
ALTER TABLE ONLY avouch.report
    ADD CONSTRAINT report_day_domain_part_key UNIQUE (day, domain, part);
ALTER TABLE ONLY avouch.report
    ADD CONSTRAINT report_pkey PRIMARY KEY (id);
ALTER TABLE ONLY avouch.report
    ADD CONSTRAINT report_report_id_key UNIQUE (report_id);
ALTER TABLE ONLY avouch.shape
    ADD CONSTRAINT shape_pkey PRIMARY KEY (id);
ALTER TABLE ONLY avouch.source
    ADD CONSTRAINT source_address_key UNIQUE (address);
ALTER TABLE ONLY avouch.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (id);
CREATE INDEX delivery_destination ON avouch.delivery USING btree (destination, changed);
CREATE INDEX delivery_state ON avouch.delivery USING btree (state);
CREATE INDEX policy_domain ON avouch.policy USING btree (domain);
CREATE INDEX received_begin ON avouch.received USING btree (begin_at);
CREATE INDEX received_domain ON avouch.received USING btree (domain, begin_at);
CREATE UNIQUE INDEX received_once ON avouch.received USING btree (md5(organisation), md5(report_id), md5(domain));
CREATE INDEX received_shape ON avouch.received_row USING btree (shape);
CREATE INDEX received_source ON avouch.received_row USING btree (source);
CREATE INDEX shape_hash ON avouch.shape USING btree (hash);
