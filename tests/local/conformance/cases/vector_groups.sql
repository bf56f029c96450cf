-- Vectors that are grouped, sorted and compared.
--~ any
drop database if exists cs_vg
create database cs_vg
use cs_vg
create table t(id int primary key, v vecf32(3), w vecf64(2), g int)
create table u(id int primary key, v vecf32(3), w vecf64(2))
insert into u values (1,'[1,2,3]','[3,4]'),(2,'[0.1726299,1.2345678,10]','[9,9]')
create table z(id int, v vecf32(1))
insert into z values (1,'[0]'),(2,'[1e-45]'),(3,'[1.1754944e-38]'),(4,'[-1e-45]'),(5,'[3.4e38]'),(6,'[-3.4e38]'),(7,'[0.5]'),(8,'[0.49999997]'),(9,'[1]'),(10,'[0.99999994]'),(11,'[-0.99999994]'),(12,'[-1]'),(13,'[8388608]'),(14,'[8388607.5]'),(15,'[1.0000001]'),(16,'[16777216]'),(17,'[16777215]'),(18,'[1.7014118e38]'),(19,'[1.7014117e38]')
select id from z order by v
select v from z order by v desc
select count(distinct v) from z
insert into t values (1,'[0.1726299,1.2345678,10]','[0.1,2]',1),(2,'[1,2,3]','[3,4]',1),(3,'[1,2,3]','[0.1,2]',2),(4,null,null,2),(5,'[1,10,3]','[-1,2]',3),(6,'[1,9,3]','[-1,-2]',3),(7,'[10,2,3]','[1e10,5]',3)
select count(distinct v) from t
select count(distinct v, g), count(distinct w) n from t
select row_number() over (order by v, id), id from t order by id
select row_number() over (partition by v order by id), id from t order by id
select count(*) over (partition by v) n, id from t order by id
select v, id from t group by v, id order by id
select l2_distance(v, '[1,2,3]') l, v from t group by v order by l
select v from t group by v order by l2_distance(v, '[1,2,3]') limit 3
select distinct v from t order by l2_distance(v, '[1,2,3]')
select distinct v as x, g from t order by x, g
select distinct * from t order by id
select distinct t.v from t order by t.v desc
select t.v, count(*), max(id) from t group by t.v having max(id) > 2 order by max(id)
select v, count(v), sum(id) from t where v is not null group by v order by 3
select v from t group by 1 order by 1
select id from t order by v is null, v, id
select id from t order by g, v desc, id limit 3
select v, g from t group by v, g having v = '[1,2,3]' order by g
select id, v from t union all select id, v from u order by v desc, id limit 4
select id, v from t union select id, v from u order by 1, 2 limit 4 offset 1
select v from t union select v from u order by v
select v x from t union all select v from u order by x
select id from t where v in ('[1,2,3]','[1,9,3]') and g > 1 order by id
select id from t where v not in ('[1,2,3]','[1,9,3]') order by id
select id from t where v in (select v from u) order by id
select id from t where t.v not in (select u.v from u where u.id = 1) order by id
select count(*) from (select distinct v from t) q
with q as (select distinct v from t) select count(*) from q
select q.v, q.n from (select v, count(*) n from t group by v) q order by q.n desc, q.v
select a.v, count(*) from t a join u b on a.v = b.v group by a.v order by 2
(select v from t where id = 1) union all (select v from u where id = 1)
(select v from t order by id limit 2)
select v from t where id = 1 union all select null
select max(n) from (select count(*) n from t group by v) q
select distinct g from t order by g
select g, count(distinct v) from t group by g order by g
select distinct l2_distance(v, '[1,2,3]') from t order by 1
select id, v from t order by l2_distance(v, '[1,2,3]'), id limit 3
select distinct v + v from t order by 1
select v + v, count(*) from t group by v + v order by 1
select case when v = '[1,2,3]' then 'a' else 'b' end k, count(*) from t group by k order by k
select id, rank() over (order by v desc) r from t order by r, id
select distinct v from t where id > 100
select distinct 1, v from t order by v limit 1
select v from (select v from t union select v from u) q order by v
select distinct v from t order by v
select distinct w from t order by w
select w, count(*) from t group by w order by w
select id, v from t order by 2 desc, 1
select id from t where v = '[1, 2, 3]' order by id
select id from t where v <> '[1,2,3]' order by id
select id from t where v = '[1,2]' order by id
select count(v) from t
select v from t union all select v from u order by 1
select id, v from t union all select id, v from u order by id, v
--~ any
select min(v) from t
--~ any
select max(w) from t
drop database cs_vg
