-- Rows that hold several blocks of a chain, packed as they came over a link.
ALTER TABLE recorder.blocks ADD COLUMN packed integer NOT NULL DEFAULT 0;
--> statement-breakpoint
DROP FUNCTION recorder.commit_blocks;
--> statement-breakpoint
-- As 0003_chain_numbers.sql has it, but for `b_packed`.
--
-- Appends groups of blocks in one transaction, for a tenant whose policies then bind every row.
--
-- c_*: the chains that are carried on. c_from and c_from_hash (32 bytes each) say where the chain must end now; c_from 0
-- that it must not exist. Otherwise SR001 is raised and nothing is written.
-- b_*: the rows in order; b_chain counts the chains above from 1, b_packed the blocks in a row (0: it is one block),
-- b_start is the place in b_bytes, from 1. A row's version is that of its last block.
-- s_*: the snapshots among them.
--
-- Returns the version of the last block. The row in recorder.tenants stays locked until the commit is visible, so that
-- versions become visible in their order.
CREATE FUNCTION recorder.commit_blocks(
	p_tenant text,
	c_source text[], c_epoch bigint[], c_from bigint[], c_from_hash bytea, c_sequence bigint[], c_hash bytea,
	c_at_us bigint[], c_blocks bigint[],
	b_chain integer[], b_ordinal bigint[], b_first bigint[], b_count integer[], b_packed integer[],
	b_first_at bigint[], b_last_at bigint[],
	b_start integer[], b_length integer[], b_hash bytea, b_bytes bytea,
	s_chain integer[], s_at_us bigint[], s_sequence bigint[], s_block bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	fresh integer := (SELECT coalesce(sum(greatest(p, 1)), 0) FROM unnest(b_packed) AS p);
	opened integer := (SELECT count(*) FROM unnest(c_from) AS f WHERE f = 0);
	newest bigint;
	numbered integer;
	moved integer;
	added integer;
	c_chain integer[];
BEGIN
	PERFORM set_config('sigma.tenant', p_tenant, true);
	IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;

	INSERT INTO recorder.tenants AS t (tenant, version, chains) VALUES (p_tenant, fresh, opened)
	ON CONFLICT (tenant) DO UPDATE SET version = t.version + fresh, chains = t.chains + opened
	RETURNING t.version, t.chains INTO newest, numbered;

	UPDATE recorder.chains AS c SET sequence = u.sequence, at_us = u.at_us, blocks = u.blocks,
		hash = substring(c_hash FROM (u.n::int - 1) * 32 + 1 FOR 32)
	FROM unnest(c_source, c_epoch, c_from, c_sequence, c_at_us, c_blocks) WITH ORDINALITY
		AS u(source, epoch, ended, sequence, at_us, blocks, n)
	WHERE c.tenant = p_tenant AND c.source = u.source AND c.epoch = u.epoch AND u.ended > 0 AND c.sequence = u.ended
		AND c.hash = substring(c_from_hash FROM (u.n::int - 1) * 32 + 1 FOR 32);
	GET DIAGNOSTICS moved = ROW_COUNT;

	IF opened > 0 THEN
		INSERT INTO recorder.chains (tenant, chain, source, epoch, sequence, hash, at_us, blocks)
		SELECT p_tenant, numbered - opened + row_number() OVER (ORDER BY u.n), u.source, u.epoch, u.sequence,
			substring(c_hash FROM (u.n::int - 1) * 32 + 1 FOR 32), u.at_us, u.blocks
		FROM unnest(c_source, c_epoch, c_from, c_sequence, c_at_us, c_blocks) WITH ORDINALITY
			AS u(source, epoch, ended, sequence, at_us, blocks, n)
		WHERE u.ended = 0
		ON CONFLICT (tenant, source, epoch) DO NOTHING;
		GET DIAGNOSTICS added = ROW_COUNT;
		moved := moved + added;
	END IF;
	IF moved <> cardinality(c_source) THEN
		RAISE EXCEPTION 'a chain has moved on' USING ERRCODE = 'SR001';
	END IF;

	c_chain := (SELECT array_agg(c.chain ORDER BY u.n) FROM unnest(c_source, c_epoch) WITH ORDINALITY AS u(source, epoch, n)
		JOIN recorder.chains AS c ON c.tenant = p_tenant AND c.source = u.source AND c.epoch = u.epoch);

	INSERT INTO recorder.blocks
		(tenant, chain, first_sequence, version, ordinal, count, packed, first_at_us, last_at_us, hash, bytes)
	SELECT p_tenant, c_chain[u.chain], u.first, newest - fresh + sum(greatest(u.packed, 1)) OVER (ORDER BY u.n),
		u.ordinal, u.count, u.packed, u.first_at, u.last_at,
		substring(b_hash FROM (u.n::int - 1) * 32 + 1 FOR 32), substring(b_bytes FROM u.start FOR u.length)
	FROM unnest(b_chain, b_ordinal, b_first, b_count, b_packed, b_first_at, b_last_at, b_start, b_length) WITH ORDINALITY
		AS u(chain, ordinal, first, count, packed, first_at, last_at, start, length, n);
	GET DIAGNOSTICS added = ROW_COUNT;
	IF added <> cardinality(b_chain) THEN
		RAISE EXCEPTION '% of % rows were written', added, cardinality(b_chain) USING ERRCODE = 'data_corrupted';
	END IF;

	IF cardinality(s_chain) > 0 THEN
		INSERT INTO recorder.snapshots (tenant, chain, at_us, sequence, block_sequence)
		SELECT p_tenant, c_chain[u.chain], u.at_us, u.sequence, u.block
		FROM unnest(s_chain, s_at_us, s_sequence, s_block) AS u(chain, at_us, sequence, block);
	END IF;
	RETURN newest;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION recorder.commit_blocks FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION recorder.commit_blocks TO sigma_recorder;
