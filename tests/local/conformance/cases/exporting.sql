-- What INTO OUTFILE writes of each type, where files end, and what it refuses (server-facts 82).
--~ any
drop database if exists cg
create database cg
use cg
--~ any
drop stage if exists g1
create stage g1 url='file://${OUT}/'
create table t(y year,j json,b bit(16),v vecf32(2),d double,n varchar(9),u bigint unsigned,g blob)
insert into t values(2024,'{"a": [1, "x y"], "h": "<&>"}',b'100000101000010','[1,2.5]',0.5,null,18446744073709551615,x'00ff22')
select y,b,d,n,u from t into outfile 'stage://g1/x1.csv' header 'false'
select load_file(cast('stage://g1/x1.csv' as datalink)) as x
select j,b,d,n,u,g from t into outfile 'stage://g1/x2.jsonl'
select load_file(cast('stage://g1/x2.jsonl' as datalink)) as x
select d,n,b from t into outfile 'stage://g1/x3.csv' header 'false' force_quote (d,n)
select load_file(cast('stage://g1/x3.csv' as datalink)) as x
select d as D from t into outfile 'stage://g1/x4.csv' force_quote (D)
select load_file(cast('stage://g1/x4.csv' as datalink)) as x
select y from t into outfile 'stage://g1/x5.jsonl'
--~ reconnect
use cg
select y from t into outfile 'stage://g1/x6.parquet'
--~ reconnect
use cg
select v from t into outfile 'stage://g1/x7.parquet'
--~ reconnect
use cg
select d from t into outfile 'stage://g1/x8.csv' format 'parquet'
--~ reconnect
use cg
select d from t into outfile 'stage://g1/x9.ndjson' format 'jsonline'
select load_file(cast('stage://g1/x9.ndjson' as datalink)) as x
select d from t into outfile 'stage://g1/x10.csv' header 'false' format 'csv'
select d from t into outfile 'stage://g1/x11.csv' max_file_size 800 splitsize '1K'
select d from t into outfile 'stage://g1/x12.csv' fields escaped by '#'
select d from t where d>1 into outfile 'stage://g1/x13.parquet'
select count(*) as n from stage_list('stage://g1/x13*') f
create table s(a int)
insert into s select result from generate_series(1,20000) g
select a from s into outfile 'stage://g1/y.csv' splitsize '1K'
select count(*) as n from stage_list('stage://g1/y.csv*') f
select length(load_file(cast('stage://g1/y.csv' as datalink))) as n
select a from s into outfile 'stage://g1/z.csv' max_file_size 60
select count(*) as n from stage_list('stage://g1/z.csv*') f
select a from s into outfile 'stage://g1/w.parquet' splitsize '1K'
select count(*) as n from stage_list('stage://g1/w.parquet*') f
with q as (select 1 as a) select * from q into outfile 'stage://g1/q.csv'
select load_file(cast('stage://g1/q.csv' as datalink)) as x
drop stage g1
drop database cg
