-- A key is kept as its hash: a client may have written somebody's name into it, and the keys of money are kept for good. The same bytes as the
-- gateway hashes: each part after its length.
UPDATE app.idempotency_keys SET key = encode(sha256(
    int8send(octet_length(scope)) || scope || int8send(octet_length(convert_to(key, 'UTF8'))) || convert_to(key, 'UTF8')), 'hex');
