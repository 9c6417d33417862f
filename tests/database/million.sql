-- A large catalogue of made-up records, written by PostgreSQL itself: as many as the setting
-- tests.records says. The shares of kinds, states and libraries are those of a national catalogue:
-- most are books and articles, a hundredth is kept for staff, and one library of four hundred holds
-- a third of everything but articles. Foreign keys are right by construction, so that no trigger need run.

SET session_replication_role = replica;

CREATE FUNCTION pg_temp.an_id(n int) RETURNS text IMMUTABLE LANGUAGE sql
RETURN '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0');

CREATE FUNCTION pg_temp.records() RETURNS int STABLE LANGUAGE sql
RETURN current_setting('tests.records')::int;

INSERT INTO libraries (id, name, level, parent_id, path, added_at)
SELECT 'lib' || n, '第' || n || '图书馆',
       CASE WHEN n = 0 THEN 'national' WHEN n <= 31 THEN 'province' ELSE 'county' END,
       CASE WHEN n = 0 THEN NULL WHEN n <= 31 THEN 'lib0' ELSE 'lib' || (n % 31 + 1) END,
       '0001' || CASE WHEN n = 0 THEN '' WHEN n <= 31 THEN lpad(n::text, 4, '0')
                 ELSE lpad((n % 31 + 1)::text, 4, '0') || lpad(n::text, 4, '0') END, 1
FROM generate_series(0, 399) AS n;

-- One import brought the last half of the catalogue; five hundred, as large as each other, the rest.
INSERT INTO imports (id, name, digest, format, library_id, state, position, read, added, changed,
                     unchanged, refused, repeated, held_until, started_at)
SELECT 'import' || n, 'made-up', n::text, 'jsonl', 'lib0', 'done', 0, 0, 0, 0, 0, 0, 0, 1, n
FROM generate_series(0, 500) AS n;

INSERT INTO records (id, kind, state, version, title, library_id, parent_id, work_id, source,
                     source_id, audience, policy, description, summary, mended, reason, import_id,
                     added_at, changed_at, change)
SELECT pg_temp.an_id(n),
       CASE WHEN n <= 300 THEN 'journal' WHEN n <= 400 THEN 'collection' WHEN n <= 415 THEN 'course'
            WHEN n <= 2000 THEN 'lecture' WHEN n % 100 < 60 THEN 'book'
            WHEN n % 100 < 85 THEN 'article' WHEN n % 100 < 88 THEN 'issue' ELSE 'item' END,
       CASE WHEN n % 1000 < 960 THEN 'published' WHEN n % 1000 < 980 THEN 'draft'
            WHEN n % 1000 < 995 THEN 'withdrawn' ELSE 'merged' END,
       1 + n % 3, '县志第' || n || '卷',
       'lib' || CASE WHEN n % 3 = 0 AND n % 100 NOT BETWEEN 60 AND 84 THEN 0 ELSE n * 79 % 400 END,
       CASE WHEN n <= 415 THEN NULL WHEN n <= 2000 THEN pg_temp.an_id(401 + n % 15)
            WHEN n % 100 < 60 THEN NULL WHEN n % 100 < 88 THEN pg_temp.an_id(1 + n % 300)
            ELSE pg_temp.an_id(301 + n % 100) END,
       pg_temp.an_id(n - n % 4), 'made-up', n::text,
       CASE WHEN n % 97 = 0 THEN 'staff' ELSE 'public' END, 'open',
       decode(repeat('7b', 400), 'hex'), decode(repeat('7b', 300), 'hex'), '', '',
       'import' || greatest(0, 500 - n * 1000 / pg_temp.records()),
       1700000000000000 + n * 1000, 1700000000000000 + n * 1000, 1 + n / 2000
FROM generate_series(1, pg_temp.records()) AS n;

INSERT INTO record_identifiers (value, record_id, scheme)
SELECT '9787' || lpad(n::text, 9, '0'), pg_temp.an_id(n), 'isbn'
FROM generate_series(1, pg_temp.records()) AS n WHERE n % 100 < 60;

INSERT INTO source_records (record_id, format, digest, body, received_at)
SELECT pg_temp.an_id(n), 'jsonl', decode(lpad(to_hex(n), 64, '0'), 'hex'),
       decode(repeat('7b', 100), 'hex'), 1
FROM generate_series(1, pg_temp.records()) AS n;

INSERT INTO record_titles (record_id, key)
SELECT pg_temp.an_id(n), '县志第' || n || '卷' FROM generate_series(1, pg_temp.records()) AS n;

INSERT INTO record_revisions (record_id, version, state, audience, policy, library_id,
                                  description, mended, change, import_id, note, at)
SELECT pg_temp.an_id(n), 1, 'published', 'public', 'open', 'lib0', '{}', '', 'imported',
       CASE WHEN n % 2 = 0 THEN 'import' || n % 5 END, '', 1
FROM generate_series(1, pg_temp.records()) AS n WHERE n % 3 = 1;

INSERT INTO publications (sha256, format, media_type, size, partial_md5, served_key, publication,
                          report, covers, examined_at)
SELECT lpad(to_hex(n), 64, '0'), 'epub', 'application/epub+zip', 1, n::text, n::text, '{}', '{}',
       '{}', 1
FROM generate_series(1, pg_temp.records() / 100) AS n;

INSERT INTO publication_entries (sha256, path, media_type, method, "offset", compressed, size, crc,
                                 passthrough)
SELECT lpad(to_hex(n), 64, '0'), 'OEBPS/' || chapter || '.xhtml', 'text/html', 8, 1, 1, 1, 1, true
FROM generate_series(1, pg_temp.records() / 100) AS n, generate_series(1, 50) AS chapter;

INSERT INTO held_publications (record_id, sha256, filename, held_at)
SELECT pg_temp.an_id(n * 100), lpad(to_hex(n), 64, '0'), 'a.epub', 1
FROM generate_series(1, pg_temp.records() / 100) AS n;

INSERT INTO accounts (id, name, kind, added_at)
SELECT 'account' || n, 'made-up', 'person', 1
FROM generate_series(1, pg_temp.records() / 100) AS n;

INSERT INTO grants (account_id, role, library_id)
SELECT 'account' || n, 'cataloguer', 'lib' || n % 400
FROM generate_series(1, pg_temp.records() / 100) AS n;

INSERT INTO credentials (digest, kind, account_id, made_at, expires_at, label)
SELECT encode(sha256(n::text::bytea), 'hex'), 'session', 'account' || (1 + n % (pg_temp.records() / 100)),
       1, 4000000000000000, ''
FROM generate_series(1, pg_temp.records() / 10) AS n;

INSERT INTO dirty_records (record_id, version, since)
SELECT pg_temp.an_id(n), 1, n FROM generate_series(1, pg_temp.records() / 20) AS n;

INSERT INTO jobs (id, kind, payload, state, attempts, max_attempts, run_after, token,
                     created_at, finished_at)
SELECT 'job' || lpad(n::text, 12, '0'), 'catalog.undo_import', '{}',
       CASE WHEN n % 1000 = 0 THEN 'waiting' ELSE 'done' END, 0, 3, n, 0, n,
       CASE WHEN n % 1000 = 0 THEN NULL ELSE n END
FROM generate_series(1, pg_temp.records() / 10) AS n;

INSERT INTO usage_facts (id, at, event, record, title, kind, library, session, platform,
                             access_type, access_method, year_of_publication, found)
SELECT 'fact' || n, n, 'view', pg_temp.an_id(n), pg_temp.an_id(n), 'book', 'lib0', 's', 'web',
       'open', 'regular', '2020', 0 FROM generate_series(1, pg_temp.records() / 5) AS n;

SET session_replication_role = DEFAULT;
