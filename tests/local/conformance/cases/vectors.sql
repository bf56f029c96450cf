-- Vectors in results: the fewest digits that give each number back, with all zeros.
--~ any
drop database if exists cs_ve
create database cs_ve
use cs_ve
create table t(id int primary key, v vecf32(9), w vecf64(3), f float)
insert into t values (1,'[0.1726299,1.23456789,100000.015625,1e10,1e20,1e21,1e-4,1e-5,-0]','[0.1,1e10,-0.25]',0.12345678),(2,null,'[0,1,2]',null),(3,'[3.4e38,1.1754944e-38,16777217,0.33333333333,-2.5e-10,7,1e-45,123456789,0]',null,1)
select v from t order by id
select * from t order by id
select *, v vv from t order by id
select id, f, v as x from t where id = 1
select t.v, w from t where v is not null order by id
select `v` `a b`, v v, v from t where id = 1
select v + v from t where id = 1
select v from t order by l2_distance(v, '[1,1,1,1,1,1,1,1,1]'), id limit 1
select v from t where id = 1 for update
create table u(id int primary key, v vecf32(2))
insert into u values (1,'[0.1726299,1.23456789]'),(4,'[1,2.5]')
select id, t.*, u.* from t join u using (id)
select * from t join u using (id)
select cs_ve.u.v, u.* from cs_ve.u order by id
select * from (select v, id from u) q order by id
with q as (select * from u) select * from q order by id
create view seen as select id, v as vv from u
select * from seen order by id
create temporary table kept as select v from u where id = 1
select v from kept
create table copied as select * from u
select v from copied order by id
select id, any_value(v) from u group by id order by id
begin
update u set v = '[0.87654321, 1]' where id = 4
select v from u where id = 4
rollback
select v from u where id = 4
select v, nosuch from u
drop temporary table kept
drop database cs_ve
