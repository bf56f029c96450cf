-- Facts 90 to 93: moments, functions of time, windows, LOCK TABLES, defaults as they are shown.
--~ any
drop database if exists cs_fn
create database cs_fn
use cs_fn
-- 90
select length(now()), length(now(0)), length(now(3)), length(current_timestamp) as a, length(current_timestamp()), length(localtime) as b, length(localtimestamp()), length(sysdate()), length(utc_timestamp()), length(curtime()), length(current_time) as c, unix_timestamp(now()) - unix_timestamp() < 5 as d
create table cl(id int, v varchar(40), t time default '10:00:00', m datetime default current_timestamp on update current_timestamp)
insert into cl(id,v) values (1,now()),(2,current_timestamp),(3,sysdate()),(4,utc_timestamp())
select id, length(v), t, m is null from cl order by id
select now()=now(6), now() - interval 1 day < now()
update cl set t=time('11:12:13.9') where id=1
select t, time(t), time('2020-01-01 10:11:12.9'), cast('10:11:12.5' as time(3)), time('-10:00:00'), time(null) from cl where id=1
-- 91
select convert_tz('2020-01-01 00:00:00.7','+00:00','+08:00'), timestampadd(quarter,1,'2024-11-30'), timestampadd(year,1,'2020-02-29'), timestampadd(month,-1,'2020-03-31 10:00:00'), timestampadd(microsecond,5,cast('2020-01-01' as date)), timestampadd(day,1,'2020-01-31'), timestampadd(hour,1,'2020-01-31'), timestampadd(week,1,null)
create table wn(id int, g int, v int)
insert into wn values (1,1,10),(2,1,20),(3,2,30),(4,2,40),(5,2,50)
select id, last_value(v) over (partition by g order by id), nth_value(v,2) over (order by id), first_value(v) over (order by id), last_value(v) over (order by id rows between unbounded preceding and current row), last_value(v) over (partition by g) > 0 from wn order by id
-- 92
create table lk(id int)
begin
insert into lk values (1)
lock tables lk read
rollback
select * from lk
unlock tables
begin
insert into lk values (2)
unlock tables
rollback
begin
lock tables lk write
insert into lk values (3)
unlock tables
rollback
select * from lk order by id
-- 93
create table df(a int default 1, b decimal(5,2) default 1.50, c varchar(5) default '1', d bool default true, e timestamp default current_timestamp, f datetime default current_timestamp on update current_timestamp comment 'at', g date default '2020-01-01', h double default 0, i bigint default -5, j char(3) default null, k int not null default 0, l bool default false, m tinyint unsigned default 3, n timestamp not null default current_timestamp, o timestamp, p datetime(6) default current_timestamp(6) on update current_timestamp(6), q int default (1+1), r float default 1.5, s json)
show create table df
desc df
select column_name, column_default, extra from information_schema.columns where table_schema='cs_fn' and table_name='df' and column_name in ('a','b','d','e','f','i','k','l','n','q') order by ordinal_position
select table_name, table_type, engine, version, table_collation, table_comment from information_schema.tables where table_schema='cs_fn' and table_name='df'
create table pa(x int, y int, primary key(x,y))
create table ch(id int primary key, x int, y int, constraint fxy foreign key(x,y) references pa(x,y))
show create table ch
-- 95
create table dc(id int primary key, a decimal, b numeric not null default 5, c decimal(10), d decimal(5,2))
alter table dc add column e decimal
insert into dc(id,a,e) values (1,12345678901234567890123,1.5)
select id, a, b, e, cast(a as decimal), cast('12345678901.5' as decimal), cast(123456 as decimal(5,2)), cast(1 as tinyint) from dc
show create table dc
create table dd as select cast(1.5 as decimal) as x
show create table dd
--~ any
drop database cs_fn
