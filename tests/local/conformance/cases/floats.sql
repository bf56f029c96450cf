-- FLOAT in results: the shortest text that gives the number back.
--~ any
drop database if exists cs_fl
create database cs_fl
use cs_fl
create table f(id int, x float, y double, z float(10,2), s varchar(20))
insert into f values (0,0.1,0.1,1.234,'a'),(1,1.2345678,1.2345678,12345678.9,'b'),(2,16777217,16777217,0.1,null),(3,3.4e38,1.5e300,null,'d'),(4,1e-45,1e-300,1.5,'e'),(5,1.1754944e-38,2e-7,-0.05,'f'),(6,null,null,null,null),(7,123456789,123456789,3,'h'),(8,0.3333333333,0.3333333333,2,'i'),(9,-2.5e-10,-2.5e-10,1,'j'),(10,1e21,1e21,1,'k'),(11,1.234567e-5,1e15,1,'l')
select * from f order by id
select x, id from f where s is null order by id
select max(x), min(x), count(x) from f where id < 3
select x from f where id = 8 union select x from f where id = 1 order by 1
select distinct x from f where id in (1, 8) order by x
with a as (select x from f where id = 8) select * from a
select a.x, b.id from f a join f b on a.id = b.id where a.id = 8
select cast(0.123456789 as float), cast('1.23456789' as float)
select cast(y as float) from f where id = 8
create view v as select id, x, cast(y as float) w from f
select * from v where id = 8
create table g as select id, x from f
select x from g where id = 1
create table h like f
insert into h select * from f where id = 8
select x, s from h
alter table h rename to k
select x, s from k
select x, 1.5, 'text', now() > '2024-01-01', cast('2024-02-29' as date), null from f where id = 8
select x, cast('q' as int) from f where id = 8
select x from f where nosuch = 1
select x, count(*) from f where id < 3 group by x order by x
begin
update f set x = 9.8765432 where id = 8
select x from f where id = 8
rollback
select x from f where id = 8
select * from f order by id into outfile '${OUT}/f.csv'
select load_file(cast('file://${OUT}/f.csv' as datalink)) as content
select id, x, y, z from f order by id into outfile '${OUT}/f.jsonl' format 'jsonline'
select load_file(cast('file://${OUT}/f.jsonl' as datalink)) as content
select id, y from f order by id into outfile '${OUT}/y.csv'
select load_file(cast('file://${OUT}/y.csv' as datalink)) as content
create table w(id int, x float, y double, z float(10,2), s varchar(20))
load data infile '${OUT}/f.csv' into table w fields terminated by ',' enclosed by '"' lines terminated by '\n' ignore 1 lines
select count(*) from f, w where f.id = w.id and f.x = w.x
select x, y from w order by id
select concat(x, '') from f where id = 8
select id from f where x = 0.1
select id from f where x = cast(0.1 as float)
create table dv(id int, x float default 1.2345678)
insert into dv(id) values (1)
select x from dv
drop database cs_fl
