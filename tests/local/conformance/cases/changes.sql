-- Facts 85 to 87: upserts, tables that are read while they are changed, IGNORE.
--~ any
drop database if exists cs_ch
create database cs_ch
use cs_ch
-- 85
create table up(id int primary key, code varchar(8) unique, a int, b int not null, c int, unique key ab(a,b), key kc(c))
insert into up values (1,'one',1,1,1)
insert into up values (1,'one',1,1,1) on duplicate key update c=c+10
insert into up values (1,'one',1,1,1) on duplicate key update id=id
insert into up values (1,'one',1,1,1) on duplicate key update c=2, `Code`='two'
insert into up values (1,'one',1,1,1) on duplicate key update up.b=values(b)+1
insert into up set id=1, b=1 on duplicate key update a=5
insert into up select 1,'one',1,1,1 on duplicate key update code='x'
insert into up values (1,'one',1,1,1) as fresh on duplicate key update c=fresh.c
insert ignore into up values (1,'one',1,1,1) on duplicate key update c=3
select * from up order by id
-- 86
create table rd(id int primary key, a int, b varchar(8))
insert into rd values (1,10,'x'),(2,20,'y'),(3,30,'z')
delete from rd where a = (select max(a) from rd)
delete from rd where exists (select 1 from rd other where other.id = rd.id + 1)
delete from rd where id in (select 3 union select id from rd)
update rd set a = (select min(a) from rd) where id = 3
update rd set b = 'w' where id in (select id from rd other where other.a > 10)
update rd set b = 'w' where id in (select rd.id from rd where rd.a > 10)
update rd set a = (select count(*) from rd other where other.id <= rd.id) + 100
update rd r set a = (select count(*) from rd other where other.id <= r.id) + 200
delete from rd where id in (select id from (select max(id) as id from rd) last)
update rd join (select min(id) as id from rd) first on first.id = rd.id set rd.b = 'first'
select * from rd order by id
-- 87
create table ig(id int primary key auto_increment, code varchar(4) unique, a tinyint, b int not null, d date, e enum('p','q'))
insert into ig values (1,'one',1,1,null,null)
insert ignore into ig values (1,'two',1,1,null,null),(2,'two',2,2,null,null),(3,'one',3,3,null,null)
insert ignore into ig values (4,'four',4,null,null,null)
insert ignore into ig(id,code) values (4,'four')
insert ignore into ig values (4,'four',400,4,null,null)
insert ignore into ig values (4,'four',4,4,'2020-02-30',null)
insert ignore into ig values (4,'four',4,'4.5',null,null)
insert ignore into ig values (4,'longer',4,4,null,'r')
insert ignore into ig select 5,'five',5,null,null,null
insert ignore into ig set id=1, b=9
insert ignore ig(id,code,b) values (6,'six',6)
update ignore ig set b=null where id=1
update ignore ig set a=300 where id=1
update ignore ig set a=7 where id<3
select id,code,a,b,d,e from ig order by code
-- 88
create table ln(id int, v varchar(20))
load data inline format='csv', data='1,"a\\tb\\\\c"\n2,a\\tb\n3,"a\\"b"\n4,\\N\n' into table ln fields terminated by ','
load data inline format='csv', data='5,a\\tb\n' into table ln
load data inline format='csv', data='6,a\\tb\n' into table ln fields terminated by ',' escaped by '\\'
select * from ln order by id
-- 89
create table bl(id int, i int, d decimal(7,2), f double, v varchar(8), dt date, b bool, u bigint unsigned)
load data infile '${DATA}/blank_numbers.csv' into table bl fields terminated by ','
select * from bl order by id
delete from bl
load data infile '${DATA}/blank_numbers.csv' into table bl fields terminated by ',' parallel 'true'
select * from bl order by id
delete from bl
load data infile '${DATA}/blank_numbers.csv' into table bl fields terminated by ',' set i=nullif(i,''), d=nullif(d,'x') parallel 'TRUE' strict 'true'
select * from bl order by id
create table bn(id int, i int not null, d int, f int, v varchar(8), dt date, b bool, u bigint)
load data infile '${DATA}/blank_numbers.csv' into table bn fields terminated by ',' ignore 1 lines parallel 'false'
load data inline format='csv', data='1,,,,,,,\n' into table bn fields terminated by ',' parallel 'true'
-- 94
create table ng(i int, b bigint, u int unsigned)
insert into ng(i) values (-1.5)
insert into ng(b) values (-1.0)
insert into ng(u) values (-0.5)
insert into ng(i) values (1.5),(-1e0),(-15e-1)
update ng set b=-2.5
select i, b from ng order by i
-- 96
create table hs(id int, d double, f float, n decimal(6,2), a int, b int)
insert into hs values (1,2.5,2.5,2.5,5,2),(2,2.7,2.7,2.7,8,3),(3,-2.5,-2.5,-2.5,-5,2),(4,0.49999999999999994,0.4,0.49,1,3)
create table ht(id int, i int, g bigint, s smallint)
insert into ht select id, d, f, n from hs
insert into ht(id,i,g) select id+10, a/b, d*1 from hs
insert into ht(id,i) select * from (select 21, 2.5e0) x
replace into ht(id,i) select 22, 5/2
insert into ht(id,g) select 23, 9007199254740991e0
select * from ht order by id
--~ any
drop database cs_ch
