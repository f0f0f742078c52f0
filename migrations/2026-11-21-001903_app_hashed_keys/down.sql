-- What a hash was made of cannot be told. Those that came with one are not recognised by what runs then.
SELECT 1;
